"""What all tests share: one PostgreSQL per run."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A superuser's URL: of the server that TEST_POSTGRES_URL names, or of an embedded one that ends with the tests."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    from local.ports import free_port
    from local.postgres import EmbeddedPostgres

    # Not in pytest's own folder: every other pytest that starts closes that to the server's user, and the server dies.
    with (
        tempfile.TemporaryDirectory(prefix="stagedoor-postgres-", ignore_cleanup_errors=True) as folder,
        EmbeddedPostgres(Path(folder), free_port()) as server,
    ):
        yield server.url
