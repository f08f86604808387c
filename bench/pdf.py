"""CPU time per PDF: `python -m bench.pdf`. Budget: a Latin ticket takes at most 15 ms, rendered outside any request."""

import gc
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from services.tickets.rendering import documents
from services.tickets.rendering.pool import RenderPool
from services.tickets.tests.samples import EVENT, ORDER, TICKET

ROUNDS, DOCUMENTS = 5, 40


def cpu_ms(render: Callable[[], object]) -> float:
    """The best of several rounds: other work on the machine only ever adds."""
    render()
    found = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(DOCUMENTS):
            render()
        found.append((time.process_time() - started) / DOCUMENTS * 1000)
    return min(found)


def per_second(workers: int) -> float:
    """Tickets per second through the pool, with as many callers as processes."""
    with RenderPool(workers) as pool, ThreadPoolExecutor(workers) as callers:
        list(callers.map(pool.render_ticket, [TICKET] * 20))
        started = time.perf_counter()
        list(callers.map(pool.render_ticket, [TICKET] * 200))
        return 200 / (time.perf_counter() - started)


def main() -> None:
    documents.warm_up()
    gc.collect()
    gc.freeze()  # as the pool's processes do
    kinds = {
        "ticket, Latin": TICKET,
        "ticket, Arabic": replace(TICKET, holder_name="محمد بن عبد الله", event=replace(EVENT, name="مؤتمر القاهرة")),
        "ticket, Devanagari": replace(TICKET, holder_name="श्रीमती कृष्णा", event=replace(EVENT, name="हिन्दी सम्मेलन")),
        "ticket, Chinese": replace(TICKET, holder_name="王小明", event=replace(EVENT, name="北京开源技术大会")),
    }
    print(f"{'document':28}{'CPU ms':>8}")
    for name, view in kinds.items():
        print(f"{name:28}{cpu_ms(lambda view=view: documents.render_ticket(view)):8.1f}")  # type: ignore[misc]
    print(f"{'order with two tickets':28}{cpu_ms(lambda: documents.render_order(ORDER)):8.1f}")
    workers = os.cpu_count() or 1
    print(f"\n{per_second(workers):.0f} tickets/s through {workers} processes")


if __name__ == "__main__":
    main()
