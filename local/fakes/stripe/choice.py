"""Which payment methods an intent takes. The fake knows cards; the rest is how the caller may ask for them."""

from local.fakes.books import Document
from local.fakes.stripe.caller import StripeCall
from local.fakes.stripe.documents import read_hash
from local.fakes.stripe.errors import invalid

CHOICE = frozenset({
    "allowed_payment_method_types", "automatic_payment_methods", "excluded_payment_method_types", "payment_method_types",
})  # fmt: skip
# Since this version `payment_method_types` is an error; `allowed_payment_method_types` has come instead.
WITHOUT_PAYMENT_METHOD_TYPES = "2026-09-30"


def choose_payment_methods(call: StripeCall) -> Document:
    """What the intent says about it. Without a wish it takes whatever the dashboard allows, redirects too."""
    check_choice(call)
    allowed = call.params.get("allowed_payment_method_types")
    only = allowed or call.params.get("payment_method_types")
    if only and "card" not in only:
        raise invalid("The fake Stripe knows payment methods of type card only.", param="allowed_payment_method_types")
    automatic = read_hash(call.params, "automatic_payment_methods")
    from_dashboard = {"enabled": True, "allow_redirects": automatic.get("allow_redirects", "always")}
    return {
        "allowed_payment_method_types": allowed,
        "automatic_payment_methods": None if only else from_dashboard,
        "payment_method_types": ["card"],
    }


def check_choice(call: StripeCall) -> None:
    if "payment_method_types" in call.params and call.version >= WITHOUT_PAYMENT_METHOD_TYPES:
        code = "payment_method_types_no_longer_supported"
        message = (
            f"`payment_method_types` is not supported in API version {call.version}. "
            "Use `allowed_payment_method_types`, or leave the choice to the Dashboard."
        )
        raise invalid(message, param="payment_method_types", code=code)
    made = sorted(CHOICE & call.params.keys())
    if len(made) > 1:
        raise invalid(f"You may only specify one of these parameters: {', '.join(made)}.", param=made[0])


def check_return_url(call: StripeCall, intent: Document) -> None:
    """Whoever takes payment methods that redirect must say where to."""
    chooses = intent["automatic_payment_methods"]
    if chooses and chooses["allow_redirects"] != "never" and not call.params.get("return_url"):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these might redirect your customer, you must provide a `return_url`, or create the PaymentIntent with "
            "`automatic_payment_methods[allow_redirects]` set to `never` or with `allowed_payment_method_types`.",
            param="return_url",
        )
