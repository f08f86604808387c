"""Codes that only we can make, and that stop working when they should."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tickets.domain.qr import MOST_CHARACTERS, Code, ForgedCode, Keys, SupersededCode
from services.tickets.tests.samples import clean  # noqa: F401

OLD, NEW, FOREIGN = bytes(range(32)), bytes(range(1, 33)), b"\xff" * 32
KEYS = Keys("n1", {"n1": NEW, "o1": OLD})
numbers = st.integers(min_value=0, max_value=2**63 - 1)
codes = st.builds(Code, numbers, numbers, numbers, st.integers(min_value=0, max_value=2**31))


@given(codes)
def test_what_we_sign_we_read(code: Code) -> None:
    text = KEYS.sign(code)
    assert KEYS.verify(text, code.issue) == code
    assert len(text) <= MOST_CHARACTERS


def test_a_usual_code_is_short() -> None:
    assert len(KEYS.sign(Code(event_id=120_000, attendee_id=9_000_000, serial=9_000_000, issue=1))) < 50


@given(codes, st.data())
def test_a_code_with_any_character_changed_is_forged(code: Code, data: st.DataObject) -> None:
    text = KEYS.sign(code)
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda char: char != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    if changed.strip() == text:
        return
    with pytest.raises(ForgedCode):
        KEYS.read(changed)


@given(st.text(max_size=200))
def test_no_text_is_a_code_by_accident_or_fails_otherwise(text: str) -> None:
    with pytest.raises(ForgedCode):
        KEYS.read(text)


@given(codes)
def test_a_code_of_another_installation_is_forged(code: Code) -> None:
    with pytest.raises(ForgedCode):
        KEYS.read(Keys("n1", {"n1": FOREIGN}).sign(code))


@given(codes)
def test_a_code_signed_with_the_former_key_is_still_good(code: Code) -> None:
    assert KEYS.verify(Keys("o1", {"o1": OLD}).sign(code), code.issue) == code


@given(codes)
def test_a_retired_key_is_no_longer_good(code: Code) -> None:
    text = Keys("o1", {"o1": OLD}).sign(code)
    with pytest.raises(ForgedCode):
        Keys("n1", {"n1": NEW}).read(text)


@given(codes)
def test_an_older_issue_is_superseded(code: Code) -> None:
    with pytest.raises(SupersededCode):
        KEYS.verify(KEYS.sign(code), code.issue + 1)


def test_keys_come_from_a_setting_with_the_current_one_first() -> None:
    keys = Keys.parse(f"n1:{b64encode(NEW).decode()}, o1:{b64encode(OLD).decode()}")
    assert keys.sign(Code(1, 2, 3, 1)).startswith("SD1.n1.")


@pytest.mark.parametrize("text", ["", "n1:abcd", "n 1:" + b64encode(NEW).decode(), "n1:" + "!" * 44])
def test_keys_that_are_no_keys_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Keys.parse(text)
