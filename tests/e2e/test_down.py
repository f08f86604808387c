"""The same functions as in tests/journey, on the containers of this folder's conftest."""

from tests.journey.test_down import *  # noqa: F403
