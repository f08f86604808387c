"""What a PATCH means at the door, and what forms ask for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.errors import Unprocessable
from services.orders.domain import forms
from services.orders.domain.checkin import CheckinInvalid, Known, read_entry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NOTHING = Known(None, None)


def test_only_new_times_count() -> None:
    known = Known("2026-11-24T09:00:00.000000Z", None)
    entry = read_entry({"checkin_times": "2026-11-24T09:00:00Z,2026-11-24T11:00:00.000Z"}, known, NOW)
    assert entry is not None
    assert entry.checkins == (datetime(2026, 11, 24, 11, tzinfo=UTC),)
    assert read_entry({"checkin_times": "2026-11-24T09:00:00+00:00", "is_checked_in": True}, known, NOW) is None


@pytest.mark.parametrize(
    "values",
    [
        {"is_checked_in": True},
        {"device_name_checkin": "door"},
        {"checkin_times": "soon"},
        {"checkout_times": "x"},
        {"checkin_times": "2026-11-24T09:00:00Z", "device_name_checkin": "x" * 201},
    ],
)
def test_what_does_not_fit_together_is_refused(values: Any) -> None:
    with pytest.raises(CheckinInvalid):
        read_entry(values, NOTHING, NOW)


def test_the_door_is_the_last_device_and_a_checkout_takes_the_time_of_the_server() -> None:
    entry = read_entry({"checkin_times": "2026-11-24T09:00:00Z", "device_name_checkin": "a,b"}, NOTHING, NOW)
    assert entry is not None
    assert entry.door == "b"
    left = read_entry({"is_checked_out": True}, Known("2026-11-24T09:00:00Z", None), NOW)
    assert left is not None
    assert left.checkouts == (NOW,)


def test_many_known_times_keep_nobody_from_being_changed() -> None:
    known = Known(",".join(f"2026-11-{day:02}T{hour:02}:00:00Z" for day in range(20, 26) for hour in range(24)), None)
    assert read_entry({"checkin_times": known.checkin_times, "attendee_notes": "crew"}, known, NOW) is None
    entry = read_entry({"checkin_times": f"{known.checkin_times},2026-11-26T10:00:00Z"}, known, NOW)
    assert entry is not None
    assert len(entry.checkins) == 1


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_no_day_has_is_refused(at: str) -> None:
    with pytest.raises(CheckinInvalid):
        read_entry({"checkin_times": at}, NOTHING, NOW)


def test_required_fields_of_the_form_of_the_ticket_are_named() -> None:
    fields = [
        forms.Field("firstname", "First name", True, False),
        forms.Field("diet", "Diet", True, True),
        forms.Field("email", "E-mail", True, False, "vip"),
        forms.Field("lastname", "Last name", False, False),
    ]
    assert forms.missing(fields, {"firstname": " ", "complex_field_values": {"diet": "none"}}, "") == ["First name"]
    assert forms.missing(fields, {"firstname": "A", "complex_field_values": None}, "vip") == ["Diet", "E-mail"]


@pytest.mark.parametrize("values", [[1], {"a": {"b": 1}}, {"a": [1]}, {str(each): 1 for each in range(31)}])
def test_custom_fields_are_flat_and_few(values: Any) -> None:
    with pytest.raises(Unprocessable):
        forms.check_complex(values)


def test_billing_is_complete_where_it_is_wanted() -> None:
    full = dict.fromkeys(forms.REQUIRED_BILLING, "x")
    forms.require_billing(full, is_mandatory=True)
    forms.require_billing({}, is_mandatory=False)
    with pytest.raises(forms.FieldsMissing) as refused:
        forms.require_billing({**full, "city": ""}, is_mandatory=True)
    assert refused.value.meta == {"fields": ["city"]}
