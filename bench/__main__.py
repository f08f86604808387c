"""`make bench`: starts a system of its own in a folder of its own, loads it, and prints what it costs.

Budgets are CPU time per operation, because wall-clock figures depend on who else uses the machine. The load generator runs
beside the system on the same cores, and its own CPU time is not counted.
"""

import argparse
import tempfile
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import orjson
import psutil

from bench import load, pdf
from bench.cpu import RENDERERS, CpuTime, measure
from bench.load import Call, Report
from bench.stage import Stage, set_up, wait_for_pdfs, wait_until_quiet
from local.api import JSON_API
from local.system import Ports, System

ATTENDEE = {"firstname": "Ada", "lastname": "Lovelace", "email": "ada@bench.example"}
FAKES = ("fake stripe", "fake paypal")


def main() -> None:
    """All scenarios, or those named."""
    scenarios: dict[str, Callable[[System, Stage], None]] = {
        "orders": orders,
        "reads": reads,
        "purchase": purchase,
        "flash": flash,
    }
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[[], *scenarios], help="scenarios (default: all)")
    chosen = parser.parse_args().only or list(scenarios)
    print(
        f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB; starting a system ...",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder, System(Path(folder), Ports.free()) as system:
        stage = set_up(system)
        wait_until_quiet(system)
        for name in chosen:
            scenarios[name](system, stage)
    if chosen == list(scenarios):
        print("\nPDFs", flush=True)
        pdf.main()


def orders(system: System, stage: Stage) -> None:
    """(A) create-order: two attendees and a discount code, through the gateway, until all queues are empty."""
    print("\ncreate-order, 2 attendees + discount code (until outboxes and queues are empty)")
    print(f"{'buyers':>8} {'orders':>8} {'orders/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms/order':>14}")
    load.run(system.url, 8, [_order(stage, number) for number in range(200)])  # warms prepared statements
    wait_until_quiet(system)
    for buyers, total in ((1, 300), (8, 1500), (32, 3000)):
        calls = [_order(stage, number) for number in range(total)]
        report, used = _measured(system, partial(load.run, system.url, buyers, calls))
        _expect(report, {200, 201})
        ms = used.total(without=(*FAKES, RENDERERS)) * 1000 / total
        rate = report.per_second
        print(
            f"{buyers:>8} {total:>8} {rate:>10.0f} {report.quantile_ms(0.5):>8.1f} {report.quantile_ms(0.99):>8.1f} {ms:>14.2f}"
        )
    _where(used, total)


def reads(system: System, stage: Stage) -> None:
    """Event list and detail: as a visitor, whom the gateway may answer by itself, and logged in, which the service answers."""
    print("\nreads")
    for title, path, token, total in (
        ("event detail, a visitor", f"/v1/events/{stage.event_identifier}", "", 4000),
        ("event detail, logged in", f"/v1/events/{stage.event_identifier}", stage.tokens[0], 2000),
        ("event list, a visitor", "/v1/events", "", 4000),
        ("event list, logged in", "/v1/events", stage.tokens[0], 1000),
    ):
        call = Call(path, token=token)
        load.run(system.url, 4, [call] * 100)
        report, used = _measured(system, partial(load.run, system.url, 8, [call] * total))
        _expect(report, {200})
        ms = used.total() * 1000 / total
        print(f"  {title:<24} {report.per_second:>6.0f}/s  p50 {report.quantile_ms(0.5):.1f} ms  CPU {ms:.2f} ms each")


def purchase(system: System, stage: Stage) -> None:
    """(C) create-order, two attendees filled in, pending with Stripe, charged; tickets issued and mailed. By phase."""
    total = 200
    print(f"\nwhole paid purchase of two, {total} times, 8 buyers at once; CPU ms per purchase, by phase")
    before = measure(system)
    calls = [_order(stage, number) for number in range(total)]
    made = _phase(system, "create-order", total, calls, {200, 201})
    orders = [orjson.loads(made.bodies[number])["data"] for number in range(total)]
    paths = [f"/v1/orders/{order['attributes']['identifier']}" for order in orders]
    tokens = [stage.tokens[number % len(stage.tokens)] for number in range(total)]
    asked = [Call(f"{path}/attendees", token=token) for path, token in zip(paths, tokens, strict=True)]
    answers = _phase(system, "read its attendees", total, asked)
    filled = [
        _change("attendee", f"/v1/attendees/{attendee['id']}", attendee["id"], tokens[number], ATTENDEE)
        for number in range(total)
        for attendee in orjson.loads(answers.bodies[number])["data"]
    ]
    _phase(system, "fill in two attendees", total, filled)
    chosen = [
        _change("order", paths[n], orders[n]["id"], tokens[n], {"status": "pending", "payment-mode": "stripe"})
        for n in range(total)
    ]
    _phase(system, "choose Stripe", total, chosen)
    charge = orjson.dumps({"data": {"type": "charge", "attributes": {"stripe": "tok_visa"}}})
    charged = [Call(f"{paths[n]}/charge", charge, tokens[n], JSON_API) for n in range(total)]
    _phase(system, "charge", total, charged)
    finishing = measure(system)
    pdfs = wait_for_pdfs(system, 2 * total)
    wait_until_quiet(system)
    after = measure(system)
    _print_phase("PDFs and mails after", total, after.minus(finishing))
    used = after.minus(before)
    ms = used.total(without=(*FAKES, RENDERERS)) * 1000 / total
    drawing = used.seconds.get(RENDERERS, 0.0) * 1000 / total
    print(
        f"  CPU {ms:.1f} ms per purchase + {drawing:.1f} ms for its PDFs, in worker processes; {pdfs} tickets issued and mailed"
    )
    _where(used, total)


def _phase(system: System, title: str, total: int, calls: list[Call], statuses: Collection[int] = (200,)) -> Report:
    report, used = _measured(system, partial(load.run, system.url, 8, calls, keep_bodies=True))
    _expect(report, set(statuses))
    _print_phase(title, total, used)
    return report


def _print_phase(title: str, total: int, used: CpuTime) -> None:
    ms = used.total(without=(*FAKES, RENDERERS)) * 1000 / total
    print(f"  {title:<22} {ms:>6.1f}  ", end="")
    _where(used, total)


def flash(system: System, stage: Stage) -> None:
    """(B) 1,000 buyers at once for 300 seats."""
    body = orjson.dumps({"tickets": [{"id": stage.flash_ticket_id, "quantity": 1}]})
    calls = [Call("/v1/orders/create-order", body, stage.tokens[n % len(stage.tokens)]) for n in range(1000)]
    report, used = _measured(system, partial(load.at_once, system.url, calls))
    sold = report.statuses[200] + report.statuses[201]
    print("\nflash sale, 1,000 buyers at once for 300 seats")
    print(f"  sold {sold}, sold out {report.statuses[409]}, other {1000 - sold - report.statuses[409]}")
    print(
        f"  all answered in {report.seconds:.2f} s, p50 {report.quantile_ms(0.5):.0f} ms, CPU {used.total() * 1000:.0f} ms in all"
    )


def _order(stage: Stage, number: int) -> Call:
    body = {"tickets": [{"id": stage.ticket_id, "quantity": 2}], "discount-code": stage.code_id}
    return Call("/v1/orders/create-order", orjson.dumps(body), stage.tokens[number % len(stage.tokens)])


def _change(type_: str, path: str, id_: str, token: str, attributes: dict[str, str]) -> Call:
    body = orjson.dumps({"data": {"type": type_, "id": id_, "attributes": attributes}})
    return Call(path, body, token, JSON_API, "PATCH")


def _measured(system: System, work: Callable[[], Report]) -> tuple[Report, CpuTime]:
    before = measure(system)
    report = work()
    wait_until_quiet(system)
    return report, measure(system).minus(before)


def _expect(report: Report, statuses: set[int]) -> None:
    if unexpected := {status: count for status, count in report.statuses.items() if status not in statuses}:
        print(f"  UNEXPECTED ANSWERS: {unexpected}")


def _where(used: CpuTime, total: int) -> None:
    parts = sorted(used.seconds.items(), key=lambda part: -part[1])
    print(
        "  where: "
        + ", ".join(f"{name} {seconds * 1000 / total:.2f}" for name, seconds in parts if seconds > 0)
        + " ms"
    )


if __name__ == "__main__":
    main()
