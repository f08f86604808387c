"""How much may go back. Decided under the payment's row lock, so that two refunds cannot share the same money."""

from chassis.errors import Conflict


class RefundTooLarge(Conflict):
    code = "refund-too-large"


def amount_to_refund(captured_minor: int, promised_minor: int, wanted_minor: int) -> int:
    """The amount of one refund. `promised` is what succeeded or is under way; `wanted` 0 is the whole remainder.

    Answers 0 when nothing is left and the remainder was wanted. Raises RefundTooLarge when more is wanted than is left.
    """
    left = max(captured_minor - promised_minor, 0)
    if wanted_minor > left:
        raise RefundTooLarge(
            "More cannot be refunded than was paid.", meta={"wanted": wanted_minor, "refundable": left}
        )
    return wanted_minor or left
