"""Settings: complete or no start."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis.config import BaseUrl, Held, MisconfiguredError, load, setting


@dataclass(frozen=True)
class Example:
    url: str = setting("URL", doc="where", secret=True)
    size: int = setting("SIZE", doc="how many", default=3)
    loud: bool = setting("LOUD", doc="noise", default=False)
    page: BaseUrl = setting("PAGE", doc="where pages are", default="http://localhost")


def test_values_are_read_with_their_types() -> None:
    assert load(Example, {"URL": "x", "SIZE": "5", "LOUD": "yes"}) == Example("x", 5, True)


def test_defaults_hold_and_empty_means_not_given() -> None:
    assert load(Example, {"URL": "x", "SIZE": ""}) == Example("x", 3, False)


def test_a_base_url_ends_without_a_slash_whatever_the_operator_wrote() -> None:
    """Otherwise links would say https://shop.example//orders."""
    for written in ("https://shop.example", "https://shop.example/"):
        assert load(Example, {"URL": "x", "PAGE": written}).page == "https://shop.example"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("from a file\n")
    assert load(Example, {"URL_FILE": str(tmp_path / "url")}).url == "from a file"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(MisconfiguredError) as problem:
        load(Example, {"SIZE": "many", "LOUD": "perhaps"})
    said = str(problem.value)
    assert "URL is missing (where)" in said
    assert "SIZE: invalid literal" in said
    assert "LOUD: 'perhaps' is neither true nor false" in said


def test_a_secret_is_not_shown() -> None:
    assert "hidden" not in repr(load(Example, {"URL": "hidden"}))


def test_settings_are_held_for_the_process_once_they_are_known() -> None:
    held: Held[Example] = Held("services.example.config")
    with pytest.raises(RuntimeError, match=r"services\.example\.config\.configure\(\) has not been called"):
        held.current()
    held.configure(Example("x"))
    assert held.current() == Example("x")
