"""What has to be filled in before an order can be placed or paid: the event's attendee form, and billing data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.errors import Unprocessable

BILLING_COLUMNS = ("company", "tax_business_info", "address", "city", "state", "zipcode", "country")
REQUIRED_BILLING = ("company", "address", "city", "zipcode", "country")
ORDER_DETAILS = (*BILLING_COLUMNS, "is_billing_enabled", "order_notes")  # what a buyer writes into an order
MAX_COMPLEX_FIELDS = 30


@dataclass(frozen=True)
class Field:
    """One field of the attendee form. `form_id` empty: for every ticket."""

    identifier: str
    name: str
    is_required: bool
    is_complex: bool
    form_id: str = ""


class FieldsMissing(Unprocessable):
    code = "fields-missing"


def missing(fields: Sequence[Field], values: Mapping[str, Any], form_id: str) -> list[str]:
    """The names of required fields that an attendee with a ticket of this form has left empty."""
    complex_values = values.get("complex_field_values") or {}
    return [
        field.name or field.identifier
        for field in fields
        if field.is_required
        and field.form_id in ("", form_id)
        and _is_empty((complex_values if field.is_complex else values).get(field.identifier))
    ]


def require_attendees(missing_by_attendee: Mapping[int, Sequence[str]]) -> None:
    """Raises FieldsMissing (422) that names, for each attendee, what is missing."""
    lacking = {str(attendee): list(names) for attendee, names in missing_by_attendee.items() if names}
    if lacking:
        names = ", ".join(dict.fromkeys(name for each in lacking.values() for name in each))
        raise FieldsMissing(
            f"Please fill in for every attendee: {names}.",
            source={"pointer": "/data/relationships/attendees"},
            meta={"attendees": lacking},
        )


def require_billing(values: Mapping[str, Any], *, is_mandatory: bool) -> None:
    """Raises FieldsMissing (422) when billing data is wanted and not complete."""
    if not (is_mandatory or values.get("is_billing_enabled")):
        return
    lacking = [name for name in REQUIRED_BILLING if _is_empty(values.get(name))]
    if lacking:
        raise FieldsMissing(
            f"Please fill in the billing data: {', '.join(lacking)}.",
            code="billing-missing",
            source={"pointer": f"/data/attributes/{lacking[0]}"},
            meta={"fields": lacking},
        )


def check_complex(values: Any) -> dict[str, Any] | None:
    """The values of custom fields: one flat object of at most 30 scalars. Raises Unprocessable (422)."""
    pointer = {"pointer": "/data/attributes/complex-field-values"}
    if values is None:
        return None
    if not isinstance(values, dict) or any(isinstance(value, dict | list) for value in values.values()):
        raise Unprocessable(
            "Custom fields are one flat object of plain values.", code="complex-invalid", source=pointer
        )
    if len(values) > MAX_COMPLEX_FIELDS:
        sentence = f"At most {MAX_COMPLEX_FIELDS} custom fields can be given."
        raise Unprocessable(sentence, code="complex-invalid", source=pointer)
    return values


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
