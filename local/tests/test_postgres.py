"""The embedded PostgreSQL on a folder of its own, killed and started as people do it."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from local import unprivileged
from local.ports import free_port
from local.postgres import EmbeddedPostgres, PostgresFailed
from local.service_databases import create_service_databases


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "postgres"


@pytest.fixture(scope="module")
def postgres_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("shared") / "postgres", free_port()) as server:
        yield server


@pytest.fixture
def postgres(postgres_of_module: EmbeddedPostgres) -> EmbeddedPostgres:
    """Running, whatever the test before has done to it."""
    postgres_of_module.start()
    return postgres_of_module


def value(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as db:
        row = db.execute(query).fetchone()
        return row[0] if row else None


def remember(url: str, word: str) -> None:
    with psycopg.connect(url) as db:
        db.execute("DROP TABLE IF EXISTS words")
        db.execute("CREATE TABLE words (word text)")
        db.execute("INSERT INTO words VALUES (%s)", [word])


def test_every_commit_is_durable_and_only_the_loopback_address_listens(postgres: EmbeddedPostgres) -> None:
    settings = {
        name: value(postgres.url, f"SHOW {name}")
        for name in ("fsync", "synchronous_commit", "full_page_writes", "max_connections", "listen_addresses")
    }
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "max_connections": "200",
        "listen_addresses": "127.0.0.1",
    }
    assert value(postgres.url, "SELECT lower('ÄÖÜ')") == "äöü"


def test_nobody_connects_without_the_password_which_only_its_owner_can_read(
    postgres: EmbeddedPostgres,
) -> None:
    kept = postgres.folder / "superuser.password"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    for guess in ("", ":wrong"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"postgresql://postgres{guess}@127.0.0.1:{postgres.port}/postgres")


def test_data_and_password_survive_a_restart(postgres: EmbeddedPostgres) -> None:
    before = postgres.url
    remember(before, "kept")
    assert postgres.restart() == before
    assert value(before, "SELECT word FROM words") == "kept"


def test_a_killed_server_comes_back_with_everything_that_was_committed(postgres: EmbeddedPostgres) -> None:
    remember(postgres.url, "committed")
    killed = postgres.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert value(postgres.start(), "SELECT word FROM words") == "committed"
    assert postgres.pid not in (None, killed)


def test_a_new_owner_joins_the_server_of_one_that_was_killed(folder: Path) -> None:
    port = free_port()
    script = (
        "import os, signal, sys; from pathlib import Path; from local.postgres import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1]), int(sys.argv[2])).start(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    owner = subprocess.run([sys.executable, "-c", script, str(folder), str(port)], timeout=60, check=False)
    assert owner.returncode == -signal.SIGKILL
    orphan = EmbeddedPostgres(folder, port)
    running = orphan.pid
    assert running is not None
    with orphan:
        assert orphan.pid == running
        assert value(orphan.url, "SELECT 1") == 1
    assert orphan.pid is None


def test_another_port_moves_the_running_server(postgres: EmbeddedPostgres) -> None:
    remember(postgres.url, "moved")
    with EmbeddedPostgres(postgres.folder, free_port()) as moved:
        assert value(moved.url, "SELECT word FROM words") == "moved"
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(postgres.url)


def test_a_process_id_that_another_program_has_by_now_does_not_block_the_start(folder: Path) -> None:
    server = EmbeddedPostgres(folder, free_port())
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getppid()}\n{server.data}\n1\n5432\n\n127.0.0.1\n\nready\n")
    with server:
        assert value(server.url, "SELECT 1") == 1


def test_a_half_made_folder_is_made_again(folder: Path) -> None:
    (folder / "data.unfinished").mkdir(parents=True)
    (folder / "data.unfinished" / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(folder, free_port()) as server:
        assert value(server.url, "SELECT 1") == 1


def test_folders_above_that_keep_others_out_stay_as_they_are(folder: Path) -> None:
    folder.parent.chmod(0o700)
    with EmbeddedPostgres(folder, free_port()) as server:
        assert value(server.url, "SELECT 1") == 1
        assert stat.S_IMODE(folder.parent.stat().st_mode) in (0o700, 0o701)  # 701: in containers with few rights


def test_root_without_the_right_to_lend_lets_others_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprivileged, "_can_pass_on_reading", lambda: False)
    # Not in pytest's own folder: another run of pytest closes that again.
    with TemporaryDirectory() as private, EmbeddedPostgres(Path(private, "postgres"), free_port()) as server:
        assert value(server.url, "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="others run PostgreSQL as themselves")
def test_programs_that_nobody_but_root_can_get_to_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a checkout that root made in `mktemp -d`: initdb would only say that a binary is invalid."""
    with TemporaryDirectory() as private:
        monkeypatch.setattr("local.postgres.binaries", lambda: Path(private))
        monkeypatch.setattr(unprivileged, "_can_pass_on_reading", lambda: True)
        with pytest.raises(PostgresFailed, match=rf"chmod o\+x {private}$"):
            EmbeddedPostgres(Path(private, "postgres"), 1).start()
        assert not Path(private, "postgres", "data").exists()


def test_a_taken_port_is_said_and_does_not_hang(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with pytest.raises(PostgresFailed, match=rf"(?s)port {postgres.port}.*could not bind"):
        EmbeddedPostgres(tmp_path / "second", postgres.port).start()


def test_stopping_twice_does_nothing(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    postgres.stop()
    assert postgres.pid is None


def test_each_service_has_its_database_and_enters_no_other(postgres: EmbeddedPostgres) -> None:
    passwords = {"orders": "o:r@d/ers", "payments": "p%40y"}
    urls = create_service_databases(postgres.url, passwords)
    assert urls == {
        "orders": f"postgresql://orders:o%3Ar%40d%2Fers@127.0.0.1:{postgres.port}/stagedoor_orders",
        "payments": f"postgresql://payments:p%2540y@127.0.0.1:{postgres.port}/stagedoor_payments",
    }
    remember(urls["orders"], "mine")
    assert value(urls["payments"], "SELECT current_user || '@' || current_database()") == "payments@stagedoor_payments"
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(urls["orders"].replace("stagedoor_orders", "stagedoor_payments"))


def test_creating_the_databases_again_keeps_the_data_and_sets_the_password(postgres: EmbeddedPostgres) -> None:
    remember(create_service_databases(postgres.url, {"orders": "first"})["orders"], "kept")
    again = create_service_databases(postgres.url, {"orders": "second"})["orders"]
    assert value(again, "SELECT word FROM words") == "kept"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(again.replace("second", "first"))
