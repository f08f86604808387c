"""What an operator does about messages: `python -m chassis.broker depths|dead|requeue|purge`; BROKER_URL says where."""

import argparse
import os
import sys
from dataclasses import dataclass
from uuid import UUID

from chassis.broker import Broker, BrokerDownError, connect
from chassis.config import load, setting
from chassis.messages import catalogue


@dataclass(frozen=True)
class Settings:
    """What this command reads."""

    broker_url: str = setting("BROKER_URL", doc="the broker", secret=True)


def main() -> None:
    """The command line."""
    arguments = _parser().parse_args()
    broker = connect(load(Settings, os.environ).broker_url)
    try:
        arguments.command(broker, arguments)
    except BrokerDownError as error:
        sys.exit(f"The broker does not answer: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chassis.broker", description=__doc__)
    commands = parser.add_subparsers(required=True)
    depths = commands.add_parser("depths", help="how many messages wait in each queue")
    depths.set_defaults(command=_depths)
    dead = commands.add_parser("dead", help="list what a service could not handle, and why")
    dead.set_defaults(command=_dead)
    dead.add_argument("--limit", type=int, default=100)
    requeue = commands.add_parser("requeue", help="give dead letters to their service once more")
    requeue.set_defaults(command=_requeue)
    purge = commands.add_parser("purge", help="forget dead letters for good")
    purge.set_defaults(command=_purge)
    for command in (dead, requeue, purge):
        command.add_argument("service", choices=catalogue().services)
    for command in (requeue, purge):
        which = command.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true")
        which.add_argument("--id", dest="ids", type=UUID, action="append", help="may be given more than once")
    return parser


def _depths(broker: Broker, _arguments: argparse.Namespace) -> None:
    for depth in broker.depths():
        age = "" if depth.oldest_seconds is None else f"  oldest {depth.oldest_seconds:.0f} s"
        _say(f"{depth.messages:8d}  {depth.queue}{age}")


def _dead(broker: Broker, arguments: argparse.Namespace) -> None:
    for letter in broker.dead_letters(arguments.service, arguments.limit):
        envelope = letter.envelope
        _say(f"{envelope.message_id}  {envelope.type} {envelope.key}  {envelope.occurred_at:%Y-%m-%dT%H:%M:%SZ}")
        _say(f"    failed {envelope.failures} times, request {envelope.request_id or '-'}: {letter.reason}")


def _requeue(broker: Broker, arguments: argparse.Namespace) -> None:
    _say(f"{broker.requeue(arguments.service, arguments.ids)} messages wait again")


def _purge(broker: Broker, arguments: argparse.Namespace) -> None:
    _say(f"{broker.purge(arguments.service, arguments.ids)} messages forgotten")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
