"""How PayPal signs its webhooks: RSA over the transmission, its time, the webhook's id and a checksum of the body."""

import base64
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from local.fakes.books import Books
from local.fakes.deliveries import Delivery
from local.fakes.paypal.caller import text_of

ALGORITHM = "SHA256withRSA"
COMMON_NAME = "messageverificationcerts.fake.paypal.com"


@dataclass(frozen=True)
class Signer:
    """A key and its certificate, kept in the books; made on the first start."""

    key: rsa.RSAPrivateKey
    certificate: str  # PEM
    url: str

    @classmethod
    def of(cls, books: Books, public_url: str) -> Self:
        kept = books.setting("signing-key")
        if kept is None:
            key = rsa.generate_private_key(65537, 2048)
            with books.transaction():
                books.set("signing-key", _pem(key))
                books.set("certificate", _certificate(key))
            return cls.of(books, public_url)
        loaded = cast(rsa.RSAPrivateKey, serialization.load_pem_private_key(kept.encode(), None))
        certificate = books.setting("certificate") or ""
        name = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256()).hex()[:32]
        return cls(loaded, certificate, f"{public_url}/v1/notifications/certs/CERT-{name}")

    def sign(self, delivery: Delivery) -> Mapping[str, str]:
        """Headers for a transmission that is sent now. The delivery's secret is the webhook's id."""
        transmission, moment = str(uuid.uuid4()), text_of(datetime.now(UTC))
        message = _message(transmission, moment, delivery.secret, delivery.body)
        signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {
            "PAYPAL-TRANSMISSION-ID": transmission, "PAYPAL-TRANSMISSION-TIME": moment, "PAYPAL-CERT-URL": self.url,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(), "PAYPAL-AUTH-ALGO": ALGORITHM,
            "User-Agent": "PayPal/AUHD-214.0-58682046",
        }  # fmt: skip

    def made(self, signature: str, transmission: str, moment: str, webhook_id: str, body: bytes) -> bool:
        """Whether the signature is ours, over exactly this."""
        message = _message(transmission, moment, webhook_id, body)
        try:
            given = base64.b64decode(signature)
            self.key.public_key().verify(given, message, padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True


def _message(transmission: str, moment: str, webhook_id: str, body: bytes) -> bytes:
    return f"{transmission}|{moment}|{webhook_id}|{zlib.crc32(body)}".encode()


def _pem(key: rsa.RSAPrivateKey) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=3650))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
