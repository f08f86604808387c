"""Rules, without a database."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.auth import Claims
from chassis.errors import Forbidden
from services.accounts.domain.emails import InvalidEmail, key_of, read_address
from services.accounts.domain.passwords import WeakPassword, prepared, read_new_password
from services.accounts.domain.policy import require_deletable, require_power_over, settable
from services.accounts.domain.rotation import REPEATED, Generation, Step, decide, shown_generation

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


class Somebody:
    def __init__(self, id_: int, role: str) -> None:
        self.id = id_
        self.role = role


def claims(user_id: int, role: str) -> Claims:
    return Claims(user_id, "a@example.com", role, True, "s", True, "t", 0.0, 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["a@example.com", "A.B+c@sub.Example.org", "jürgen@bücher.example", "o'neil@x.ie"])
def test_addresses_people_have(text: str) -> None:
    assert read_address(f"  {text} ").text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@b",
        "a@b.c",
        "@example.com",
        "a@.com",
        "a b@example.com",
        "a@exa mple.com",
        "a@example.com\nBcc: x@example.com",
        "a@b@example.com",
        "<a@example.com>",
        "a..b@example.com",
        ".a@example.com",
        "a.@example.com",
        "x" * 250 + "@example.com",
        None,
        7,
        ["a@example.com"],
    ],
)
def test_addresses_nobody_has(text: object) -> None:
    with pytest.raises(InvalidEmail):
        read_address(text)


def test_capitals_make_no_other_address() -> None:
    assert key_of(" Ann@Example.COM") == key_of("ann@example.com")


@pytest.mark.parametrize("read", [read_address, key_of, lambda text: read_new_password(text, "/p")])
def test_text_without_end_keeps_nobody_busy(read: Callable[[str], object]) -> None:
    """Composing letters takes the square of their number, and nothing else runs meanwhile."""
    began = time.perf_counter()
    with suppress(InvalidEmail, WeakPassword):
        read("a" + "\u0301" * 25_000 + "\u0316" * 25_000)
    assert time.perf_counter() - began < 0.5


def test_a_composed_and_a_decomposed_address_are_the_same() -> None:
    assert read_address("ju\u0308rgen@bu\u0308cher.example") == read_address("jürgen@bücher.example")
    assert key_of("u\u0308" * 100 + "@x.example") == key_of("ü" * 100 + "@x.example")


def test_a_password_needs_eight_characters() -> None:
    assert read_new_password("12345678", "/p") == "12345678"
    with pytest.raises(WeakPassword):
        read_new_password("1234567", "/p")
    with pytest.raises(WeakPassword):
        read_new_password(None, "/p")


def test_a_password_has_an_end() -> None:
    with pytest.raises(WeakPassword) as refusal:
        read_new_password("x" * 1001, "/p")
    assert refusal.value.code == "password-too-long"


def test_composed_and_decomposed_letters_are_the_same_password() -> None:
    assert prepared("passw\u00f6rter") == prepared("passwo\u0308rter")


def generations(*rotated_at: datetime | None) -> dict[int, Generation]:
    return {number: Generation(f"jti{number}", f"csrf{number}", at) for number, at in enumerate(rotated_at)}


def test_the_current_generation_is_exchanged() -> None:
    known = generations(None)
    assert decide(known, 0, shown_generation(known, "jti0", ""), NOW) is Step.ROTATE


def test_half_a_minute_gives_the_same_successor() -> None:
    known = generations(NOW - REPEATED, None)
    assert decide(known, 1, shown_generation(known, "jti0", ""), NOW) is Step.REPEAT


def test_after_half_a_minute_a_second_use_ends_the_session() -> None:
    known = generations(NOW - REPEATED - timedelta(milliseconds=1), None)
    assert decide(known, 1, shown_generation(known, "jti0", ""), NOW) is Step.END


def test_a_forgotten_generation_ends_the_session() -> None:
    known = generations(None)
    assert decide(known, 0, shown_generation(known, "jti9", ""), NOW) is Step.END


def test_the_csrf_of_the_newest_access_token_stands_for_a_rotated_token() -> None:
    known = generations(NOW - timedelta(hours=1), None)
    assert decide(known, 1, shown_generation(known, "jti0", "csrf1"), NOW) is Step.ROTATE
    assert decide(known, 1, shown_generation(known, "jti0", "csrf0"), NOW) is Step.END


@given(st.integers(0, 5), st.integers(0, 5), st.floats(0, 100))
def test_only_the_current_generation_ever_makes_a_new_one(current: int, shown: int, seconds: float) -> None:
    known = generations(*[NOW - timedelta(seconds=seconds)] * current, None)
    step = decide(known, current, shown if shown in known else None, NOW)
    assert (step is Step.ROTATE) == (shown == current)


def test_people_change_themselves_and_nobody_else() -> None:
    require_power_over(claims(1, "user"), Somebody(1, "user"))
    with pytest.raises(Forbidden):
        require_power_over(claims(1, "user"), Somebody(2, "user"))


@pytest.mark.parametrize(
    ("caller", "target", "may"),
    [
        ("admin", "user", True),
        ("admin", "admin", False),
        ("admin", "super-admin", False),
        ("super-admin", "user", True),
        ("super-admin", "admin", True),
        ("super-admin", "super-admin", True),
        ("user", "admin", False),
    ],
)
def test_ranks(caller: str, target: str, may: bool) -> None:
    try:
        require_power_over(claims(1, caller), Somebody(2, target))
    except Forbidden:
        assert not may
    else:
        assert may


def test_nobody_gives_themselves_power() -> None:
    values = {"is_admin": True, "is_verified": True, "is_blocked": False, "is_sales_admin": True, "first_name": "Ann"}
    assert settable(claims(1, "user"), Somebody(1, "user"), values, dict.fromkeys(values, False)) == {
        "first_name": "Ann"
    }


def test_admins_verify_and_do_not_make_admins() -> None:
    current = {"is_verified": False, "is_admin": False}
    changed = settable(claims(1, "admin"), Somebody(2, "user"), {"is_verified": True, "is_admin": False}, current)
    assert changed["is_verified"] is True
    with pytest.raises(Forbidden):
        settable(claims(1, "admin"), Somebody(2, "user"), {"is_admin": True}, current)


def test_super_admins_make_admins() -> None:
    assert settable(claims(1, "super-admin"), Somebody(2, "user"), {"is_admin": True}, {"is_admin": False}) == {
        "is_admin": True
    }


def test_a_super_admin_is_neither_blocked_nor_deleted() -> None:
    with pytest.raises(Forbidden):
        settable(claims(1, "super-admin"), Somebody(2, "super-admin"), {"is_blocked": True}, {"is_blocked": False})
    with pytest.raises(Forbidden):
        require_deletable(claims(2, "super-admin"), Somebody(2, "super-admin"))


def test_a_password_is_never_set_by_patch() -> None:
    assert settable(claims(1, "super-admin"), Somebody(1, "super-admin"), {"password": "hunter22"}, {}) == {}
