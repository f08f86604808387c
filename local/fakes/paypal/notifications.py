"""Events and their webhooks: sent, listed, sent again, and their signatures checked for whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from local.fakes.answers import Answer
from local.fakes.books import Document
from local.fakes.deliveries import Deliveries, Subscription
from local.fakes.paypal.caller import PayPalCall, new_id
from local.fakes.paypal.errors import missing, refused
from local.fakes.paypal.payments import whole
from local.fakes.paypal.signature import ALGORITHM, Signer

SIGNED = ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time", "webhook_id")


@dataclass(frozen=True)
class Notifications:
    deliveries: Deliveries
    signer: Signer
    webhook_id: str
    webhook_url: str | None
    types: Sequence[str]

    def publish(self, call: PayPalCall, event_type: str, resource_type: str, resource: Document, summary: str) -> None:
        identifier = f"WH-{new_id()}-{new_id()}"
        url = f"{call.base_url}/v1/notifications/webhooks-events/{identifier}"
        event = {
            "id": identifier, "event_version": "1.0", "create_time": call.now, "resource_type": resource_type,
            "event_type": event_type, "summary": summary, "resource": resource,
            "links": [
                {"href": url, "rel": "self", "method": "GET"},
                {"href": f"{url}/resend", "rel": "resend", "method": "POST"},
            ],
        }  # fmt: skip
        call.books.put("event", event)
        self._send(event)

    def retrieve(self, call: PayPalCall) -> Answer:
        return Answer(200, call.find("event"))

    def listed(self, call: PayPalCall) -> Answer:
        """Newest first, of one type or of all."""
        wanted = call.params.get("event_type")
        events = [event for event in call.books.listed("event", "") if wanted in (None, event["event_type"])]
        shown = events[: whole(call.params, "page_size", 10, at_most=300)]
        return Answer(200, {"events": shown, "count": len(shown), "links": []})

    def resend(self, call: PayPalCall) -> Answer:
        event = call.find("event")
        self._send(event)
        return Answer(202, event)

    def certificate(self, call: PayPalCall) -> Answer:
        if not self.signer.url.endswith(f"/{call.path['name']}"):
            raise refused("INVALID_RESOURCE_ID", status=404)
        return Answer(200, self.signer.certificate, {"content-type": "application/x-pem-file"})

    def verify(self, call: PayPalCall) -> Answer:
        """What the shop got is compared with what was signed. Its event may have been parsed and written anew since."""
        for name in (*SIGNED, "webhook_event"):
            if not call.params.get(name):
                raise missing(name)
        algorithm, cert_url, transmission, signature, moment, webhook_id = (str(call.params[name]) for name in SIGNED)
        body = orjson.dumps(call.params["webhook_event"])
        ours = (algorithm, cert_url, webhook_id) == (ALGORITHM, self.signer.url, self.webhook_id)
        genuine = ours and self.signer.made(signature, transmission, moment, webhook_id, body)
        return Answer(200, {"verification_status": "SUCCESS" if genuine else "FAILURE"})

    def _send(self, event: Document) -> None:
        if self.webhook_url:
            body = orjson.dumps(event)
            to = Subscription(self.webhook_url, self.webhook_id, self.types)
            self.deliveries.add(event["id"], event["event_type"], body, to)
