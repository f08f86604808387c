"""`make up`: the whole system on this machine, with demo data, until Ctrl-C.

A process that ends by itself is started again. Ctrl-C (or SIGTERM, or closing the terminal) stops everything in order and
loses nothing; the next start finds the data under var/.
"""

import argparse
import contextlib
import fcntl
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from local import demo
from local.ports import is_free
from local.postgres import PostgresFailed
from local.process import NotReady
from local.secrets import LocalSecrets
from local.system import RATE_AUTH_PER_MINUTE, RATE_PER_MINUTE, Ports, System

FOLDER = Path("var")
RESTART_SECONDS = 1.0


def main() -> None:
    """Starts, tells, watches, stops."""
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where all data lives (default: var)")
    parser.add_argument("--port", type=int, default=8080, help="the gateway's port (default: 8080)")
    parser.add_argument(
        "--any-ports", action="store_true", help="ports that nobody uses now, instead of the usual ones"
    )
    arguments = parser.parse_args()
    ports = Ports.free() if arguments.any_ports else Ports(gateway=arguments.port)
    stop = threading.Event()

    def on_signal(_: int, __: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGHUP, on_signal)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (arguments.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Stagedoor already runs with the data in {arguments.folder}/. Stop it first (Ctrl-C there).")
        _run(System(arguments.folder, ports, say=_say), stop)


def reset() -> None:
    """`make reset`: forgets all data of the local system."""
    lock_path = FOLDER / "lock"
    if not lock_path.exists():
        print("There is nothing to forget: var/ holds no data.")
        return
    with lock_path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("Stagedoor is running. Stop it first (Ctrl-C there), then reset.")
        shutil.rmtree(FOLDER)
    print("All data of the local system is gone. `make up` starts afresh.")


def _run(system: System, stop: threading.Event) -> None:
    if taken := _taken_ports(system):
        sys.exit(
            f"Other programs listen where Stagedoor would: {', '.join(taken)}.\n"
            f"Stop them (`ss -ltnp` or `lsof -i` names them), or start on ports that nobody uses:\n\n"
            f"  {sys.executable} -m local.up --any-ports\n"
        )
    started = time.monotonic()
    _say("Starting Stagedoor (the first start takes longest) ...")
    try:
        system.start()
        if stop.is_set():
            return
        made = demo.load(system.url, system.secrets)
        _tell(system, made, time.monotonic() - started)
        _watch(system, stop)
    except (NotReady, PostgresFailed) as problem:
        if not stop.is_set():
            sys.exit(f"\n{problem}")
    finally:
        _say("\nStopping ...")
        system.stop()
        _say("Stopped. Your data is kept in var/; `make up` continues, `make reset` forgets it.")


def _taken_ports(system: System) -> list[str]:
    """A PostgreSQL of ours that a killed start left behind is joined, and in nobody's way."""
    joined = "PostgreSQL" if system.postgres is not None and system.postgres.pid is not None else ""
    listeners = system.ports.by_listener().items()
    return [f"{port} ({name})" for name, port in listeners if name != joined and not is_free(port)]


def _watch(system: System, stop: threading.Event) -> None:
    while not stop.wait(RESTART_SECONDS):
        if system.postgres is not None and system.postgres.pid is None:
            _say("PostgreSQL has ended; starting it again")
            system.postgres.start()
        for process in system.processes.values():
            if process.pid is None:
                _say(f"{process.name} has ended; starting it again (see {process.log})")
                process.start()


def _tell(system: System, made: demo.Demo, seconds: float) -> None:
    secrets: LocalSecrets = system.secrets
    url = system.url
    tickets = ", ".join(f"{name} (ticket {number})" for name, number in made.ticket_ids.items())
    _say(f"""
Stagedoor is up after {seconds:.0f} seconds.

  API           {url}/v1/events
  Documentation {url}/docs
  Demo event    {url}/v1/events/{made.event_identifier}
                {tickets}; discount code {made.discount_code}
  Mails         {system.mail_folder}/
  Logs          {system.folder}/log/

  Logins        {demo.ADMIN}      {secrets.super_admin_password}      (super admin)
                {demo.ORGANIZER}  {secrets.organizer_password}  (organizer of the demo event)
                {demo.BUYER}      {secrets.buyer_password}      (buyer)

  Rate limits   {RATE_PER_MINUTE:,} requests a minute per caller, {RATE_AUTH_PER_MINUTE:,} logins and sign-ups per address
  Fake Stripe   tokens tok_visa, tok_chargeDeclined, ...; fake PayPal approves when its approval URL is opened

Follow the tour in README.md. Ctrl-C stops everything and loses nothing.
""")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be closed, and everything still has to stop in order
        print(text, flush=True)


if __name__ == "__main__":
    main()
