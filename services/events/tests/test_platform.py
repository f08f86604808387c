"""Modules and settings: one record each, and who sees how much."""

import pytest

from chassis.testing import Client
from services.events.tests.conftest import Making, code_of, patch


def test_everyone_reads_the_modules_and_admins_change_them(making: Making) -> None:
    expected = {"ticket-include": True, "payment-include": True, "donation-include": True}
    for path in ("/v1/modules", "/v1/modules/1", "/v1/modules/4711"):
        assert making.anyone.get(path).json()["data"]["attributes"] == expected
    answer = patch(making.admin, "/v1/modules", "module", "1", donation_include=False)
    assert answer.json()["data"]["attributes"]["donation-include"] is False
    assert patch(making.admin, "/v1/modules/99", "module", "99", donation_include=True).status_code == 200
    assert code_of(patch(making.owner, "/v1/modules", "module", "1", donation_include=False))[0] == 403
    assert patch(making.anyone, "/v1/modules", "module", "1", donation_include=False).status_code == 401


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_there_is_one_record_of_modules(making: Making, method: str) -> None:
    answer = making.admin.request(method, "/v1/modules", json={} if method == "POST" else None)
    assert code_of(answer) == (405, "method-not-allowed")


def test_who_is_asking_decides_how_much_of_the_settings_shows(making: Making, client: Client) -> None:
    shown = [
        set(who.get("/v1/settings?cache=true&public=true").json()["data"]["attributes"])
        for who in (client, making.stranger, making.admin)
    ]
    assert shown[0] < shown[1] < shown[2]
    assert shown[1] - shown[0] == {"android-app-url", "web-app-url"}
    assert {"app-name", "order-expiry-time", "is-stripe-activated", "frontend-url"} <= shown[0]
    assert "admin-billing-paypal-email" in shown[2] - shown[1]


def test_settings_are_changed_by_admins_within_their_bounds(making: Making) -> None:
    answer = patch(
        making.admin, "/v1/settings/1", "setting", "1", app_name="Theatre", tagline="Tonight", order_expiry_time=20
    )
    assert answer.status_code == 200, answer.text
    attributes = making.anyone.get("/v1/settings").json()["data"]["attributes"]
    assert (attributes["app-name"], attributes["tagline"], attributes["order-expiry-time"]) == (
        "Theatre",
        "Tonight",
        20,
    )
    for minutes in (0, 61):
        assert code_of(patch(making.admin, "/v1/settings", "setting", "1", order_expiry_time=minutes))[0] == 422
    assert code_of(patch(making.owner, "/v1/settings", "setting", "1", app_name="Mine"))[0] == 403


def test_no_secret_is_taken_or_shown(making: Making) -> None:
    answer = patch(making.admin, "/v1/settings", "setting", "1", stripe_secret_key="sk_live_1", smtp_password="hunter2")
    assert answer.status_code == 200
    assert answer.json()["data"]["attributes"]["stripe-secret-key"] is None
    assert "hunter2" not in making.admin.get("/v1/settings").text


def test_pages_are_written_by_admins(making: Making) -> None:
    document = {"type": "page", "attributes": {"name": "Imprint", "url": "/imprint", "place": "footer"}}
    assert making.owner.post("/v1/pages", json={"data": document}).status_code == 403
    assert making.admin.post("/v1/pages", json={"data": document}).status_code == 201
    assert making.anyone.get("/v1/pages").json()["meta"]["count"] == 1
