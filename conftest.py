"""What all tests share: one PostgreSQL per run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A superuser's URL: of the server that TEST_POSTGRES_URL names, or of an embedded one that ends with the tests."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    from local.ports import free_port
    from local.postgres import EmbeddedPostgres

    folder: Path = tmp_path_factory.mktemp("postgres")
    with EmbeddedPostgres(folder, free_port()) as server:
        yield server.url
