"""Whether a caller takes our answers."""

import pytest

from chassis.errors import NotAcceptable
from chassis.jsonapi.media import negotiate


@pytest.mark.parametrize(
    "accept",
    [None, "", "*/*", "application/*", "application/vnd.api+json", "text/html, application/vnd.api+json;q=0.5"],
)
def test_who_takes_json_api_gets_it(accept: str | None) -> None:
    negotiate(accept)


@pytest.mark.parametrize("accept", ["text/html", "application/json", "application/vnd.api+json;q=0", "x"])
def test_who_excludes_it_is_told(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        negotiate(accept)
