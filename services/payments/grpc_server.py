"""What others may ask of payments."""

from chassis.errors import BadRequest
from proto.payments import payments_pb2
from services.payments import calls, config
from services.payments.clients.providers import Means
from services.payments.commands.attempts import Wish

MODES = ("stripe", "paypal")


class PaymentsServicer:
    """See proto/payments/payments.proto."""

    def StartPayment(self, request: payments_pb2.StartPaymentRequest) -> payments_pb2.PaymentState:  # noqa: N802
        """Opens a payment, or answers the open one."""
        return calls.start(_wish(request))

    def Charge(self, request: payments_pb2.ChargeRequest) -> payments_pb2.PaymentState:  # noqa: N802
        """Moves the money. Without a token, mode stripe is the client's flow: the intent is opened, not charged."""
        wish = _wish(request.payment)
        if wish.mode == "stripe" and not request.stripe_token:
            return calls.start(wish)
        means = Means(request.stripe_token, request.paypal_payer_id, request.paypal_payment_id)
        return calls.charge(wish, means)

    def Verify(self, request: payments_pb2.OrderRequest) -> payments_pb2.PaymentState:  # noqa: N802
        """Settles the open attempt by asking its provider."""
        return calls.verify(request.order_identifier)

    def CloseAttempt(self, request: payments_pb2.OrderRequest) -> payments_pb2.PaymentState:  # noqa: N802
        """Closes the open attempt at its provider."""
        return calls.close(request.order_identifier)


def _wish(request: payments_pb2.StartPaymentRequest) -> Wish:
    if (
        request.mode not in MODES
        or request.amount_minor <= 0
        or len(request.currency) != 3
        or not request.order_identifier
    ):
        raise BadRequest("A payment needs an order, a mode (stripe or paypal), an amount above 0 and a currency.")
    frontend = config.current().frontend_url
    return Wish(
        order_identifier=request.order_identifier,
        event_id=request.event_id,
        mode=request.mode,
        amount_minor=request.amount_minor,
        currency=request.currency.upper(),
        request={
            "description": request.description[:500],
            "return_url": request.return_url or f"{frontend}/orders/{request.order_identifier}/view",
            "cancel_url": request.cancel_url or f"{frontend}/orders/{request.order_identifier}/pending",
            "lines": [
                {"name": line.name, "quantity": line.quantity, "price_minor": line.price_minor}
                for line in request.lines
            ],
        },
    )
