"""`python -m chaos --rounds 10 --seed 1`: rounds, a table, and an exit code that says whether all was well."""

import argparse
import shlex
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from chaos.negative import run_controls
from chaos.rabbitmq import RabbitMQ
from chaos.relay import Relays
from chaos.rounds import Result, Theatre
from local.system import Ports, System

DONE = ("kills", "pauses", "restarts", "cuts", "faults", "rolled")
HEAD = f"| round | seed | orders by end state | {' | '.join(DONE)} | gave up | violations | calm s | seconds |"
SECONDS_AT_LEAST = 30.0  # that a storm and its calm are given
SETTINGS = {  # what takes longer elsewhere: nobody wants to wait for it in every round
    "PROVIDER_READ_SECONDS": "3",
    "REPAIR_AFTER_SECONDS": "5",
}


def main() -> int:
    """0 when nothing was violated, and every control was caught."""
    wishes = _wishes()
    deadline = time.monotonic() + wishes.seconds if wishes.seconds else float("inf")
    folder = Path(wishes.folder or tempfile.mkdtemp(prefix="stagedoor-chaos-"))
    print(f"data and logs: {folder}", flush=True)
    rabbitmq = RabbitMQ(wishes.broker, shlex.split(wishes.rabbitmqctl)) if wishes.broker else None
    if rabbitmq is not None and (queues := rabbitmq.queued()):
        print(
            f"The RabbitMQ at {wishes.broker} has queues already ({', '.join(sorted(queues)[:3])}, …). Two systems on one broker"
        )
        print("would hear each other's messages: give it one of its own.")
        return 2
    with (
        Relays() as relays,
        System(folder, Ports.free(), broker_url=wishes.broker, route=relays.route, settings=SETTINGS) as system,
    ):
        theatre = Theatre(system, relays, rabbitmq)
        if wishes.negative:
            return run_controls(theatre)
        return _play(theatre, wishes, deadline)


def _play(theatre: Theatre, wishes: argparse.Namespace, deadline: float) -> int:
    print(HEAD + "\n" + "|---" * HEAD.count(" | ") + "|---|", flush=True)
    violated = 0
    longest = SECONDS_AT_LEAST
    results: list[Result] = []
    for number in range(wishes.first, wishes.first + wishes.rounds):
        if time.monotonic() + longest > deadline:
            break
        seed = f"{wishes.seed}.{number}" if "." not in wishes.seed else wishes.seed
        result = theatre.play(number, seed, purchases=wishes.purchases)
        if not result.done["rolled"]:  # those take much longer, and the next one is far away
            longest = max(longest, result.seconds)
        violated += len(result.violations)
        results.append(result)
        _show(result)
    again = [violation for result in results for violation in theatre.look_again(result)]
    for violation in again:
        print(f"  VIOLATION when looking again: {violation}")
    total: Counter[str] = sum((result.orders for result in results), Counter())
    ends = ", ".join(f"{count} {status}" for status, count in sorted(total.items()))
    print(
        f"\n{len(results)} of {wishes.rounds} rounds, {violated} violations, {len(again)} when looking again at the end."
    )
    print(f"Orders in the end: {ends}.", flush=True)
    return 1 if violated or again or not results else 0


def _show(result: Result) -> None:
    orders = ", ".join(f"{count} {status}" for status, count in sorted(result.orders.items())) or "none"
    cells = [
        result.number, result.seed, orders, *(result.done[each] for each in DONE), result.gave_up,
        len(result.violations), f"{result.calm_seconds:.0f}", f"{result.seconds:.0f}",
    ]  # fmt: skip
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    for violation in result.violations:
        print(f"  VIOLATION seed {result.seed} event {result.event_id}: {violation}", flush=True)
    if result.violations:
        print("  what was done: " + "; ".join(result.said), flush=True)


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", default="1", help="of all rounds; or one round's own, like 1.7, to see it again")
    parser.add_argument(
        "--first", type=int, default=1, help="the number of the first round: with 17, the tenth is a rolling one"
    )
    parser.add_argument("--purchases", type=int, default=3, help="of each buyer in a storm")
    parser.add_argument(
        "--seconds", type=float, default=0, help="in all; no round begins that would probably end later (0: no limit)"
    )
    parser.add_argument("--broker", help="amqp://… of an empty RabbitMQ on 127.0.0.1 (default: the embedded broker)")
    parser.add_argument("--rabbitmqctl", default="rabbitmqctl", help="the command that looks at and restarts it")
    parser.add_argument("--negative", action="store_true", help="damage the data and see that the checker notices")
    parser.add_argument("--folder", help="where data and logs go (default: a new temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
