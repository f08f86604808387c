"""Keys that sign: made once, rotated, revoked, encrypted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
import sqlalchemy as sa

from chassis import auth, clock
from chassis.config import MisconfiguredError
from chassis.db import transaction
from proto.accounts import accounts_pb2 as pb
from services.accounts import config, jobs, keys
from services.accounts.models import SigningKey
from services.accounts.tests import people


def configured(**changes: Any) -> Any:
    return replace(config.current(), **changes)


@pytest.fixture
def original_secret() -> Any:
    yield
    keys.configure(config.current())


def key_of(token: str) -> str:
    found: str = jwt.get_unverified_header(token)["kid"]
    return found


def test_the_key_set_verifies_tokens(client: Any) -> None:
    ann = people.somebody(client)
    answer = client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    [key] = answer.json()["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert "d" not in key
    jwt.decode(ann.access_token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="stagedoor", issuer="stagedoor")


def test_the_private_part_lies_encrypted(client: Any, db: Any) -> None:
    people.somebody(client)
    row = db.scalar(sa.select(SigningKey))
    assert row.private_encrypted.startswith(b"gAAAA")  # a Fernet token


def test_a_new_key_is_published_before_it_signs(client: Any, published: Any) -> None:
    ann = people.somebody(client)
    with transaction() as db:
        made = keys.rotate(db)
    assert published(pb.KeysRotated)[-1].key_id == made.id
    listed = [key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]]
    assert listed == [made.id, key_of(ann.access_token)]
    assert key_of(people.log_in(client).json()["access_token"]) == key_of(ann.access_token)
    with clock.freeze(clock.now() + timedelta(minutes=3)):
        assert key_of(people.log_in(client).json()["access_token"]) == made.id


def test_tokens_of_the_old_key_stay_valid(client: Any) -> None:
    ann = people.somebody(client)
    with transaction() as db:
        keys.rotate(db)
    auth.keyring().refresh()
    assert ann.client.get(ann.path).status_code == 200
    with clock.freeze(clock.now() + timedelta(minutes=3)):
        answer = client.with_token(ann.refresh_token).post("/v1/auth/token/refresh")
        assert answer.status_code == 200
        assert client.with_token(answer.json()["access_token"]).get(ann.path).status_code == 200


def test_a_revoked_key_ends_every_token(client: Any) -> None:
    ann = people.somebody(client)
    with transaction() as db:
        keys.rotate(db, revoke_old=True)
    auth.keyring().refresh()
    assert ann.client.get(ann.path).status_code == 401
    assert client.with_token(ann.refresh_token).post("/v1/auth/token/refresh").status_code == 401
    assert people.log_in(client).status_code == 200


def test_keys_rotate_by_age(client: Any, db: Any) -> None:
    people.somebody(client)
    jobs.rotate_keys()
    assert db.scalar(sa.select(sa.func.count()).select_from(SigningKey)) == 1
    with clock.freeze(clock.now() + timedelta(days=31)):
        jobs.rotate_keys()
        jobs.rotate_keys()
    assert db.scalar(sa.select(sa.func.count()).select_from(SigningKey)) == 2


def test_old_keys_go_when_their_last_token_has_expired(client: Any, db: Any) -> None:
    people.somebody(client)
    with clock.freeze(clock.now() + timedelta(days=31)):
        jobs.rotate_keys()
    with clock.freeze(clock.now() + timedelta(days=61)):
        jobs.rotate_keys()  # thirty days after the second began to sign: tokens of the first may still live for an hour
    assert db.scalar(sa.select(sa.func.count()).select_from(SigningKey)) == 3
    with clock.freeze(clock.now() + timedelta(days=62)):
        jobs.rotate_keys()
    assert db.scalar(sa.select(sa.func.count()).select_from(SigningKey)) == 2


def test_the_encryption_secret_can_be_replaced(client: Any, original_secret: Any) -> None:
    people.somebody(client)
    old = config.current().key_encryption_secret
    keys.configure(configured(key_encryption_secret=f"a newer secret of the tests,{old}"))
    assert people.log_in(client).status_code == 200
    with transaction() as db:
        assert keys.reencrypt(db) == 1
    keys.configure(configured(key_encryption_secret="a newer secret of the tests"))
    assert people.log_in(client).status_code == 200


def test_a_service_without_an_encryption_secret_does_not_start(original_secret: Any) -> None:
    with pytest.raises(MisconfiguredError):
        keys.configure(configured(key_encryption_secret=" , "))
    with pytest.raises(MisconfiguredError):
        keys.configure(configured(key_encryption_secret="short"))


def test_the_command_line_rotates(client: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    people.somebody(client)
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("BROKER_URL", settings.database_url)
    monkeypatch.setenv("SERVICE_SECRET", "x")
    monkeypatch.setenv("KEY_ENCRYPTION_SECRET", settings.key_encryption_secret)
    keys.main(["rotate"])
    keys.main(["list"])
    assert len(capsys.readouterr().out.strip().split("\n")) == 3
