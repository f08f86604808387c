"""CPU time of a 25-row list, without the database: ``python -m chassis.jsonapi.tests.bench``."""

import datetime as dt
import sys
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from chassis.jsonapi import criteria, documents
from chassis.jsonapi.grammar import parse
from chassis.jsonapi.serializer import NOTHING_LINKED
from chassis.jsonapi.tests.conftest import claims, flask_app
from chassis.jsonapi.tests.library import Book, books
from chassis.jsonapi.viewer import viewer_of
from chassis.responses import respond

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
ROUNDS = 2000


def book(number: int) -> Book:
    return Book(
        id=number,
        identifier=str(uuid.uuid4()),
        title=f"Book {number}",
        state="published",
        pages=number,
        price_minor=1050,
        weight=Decimal("1.5"),
        is_lent=False,
        extra={"a": 1},
        token=uuid.uuid4(),
        published_at=NOW,
        created_at=NOW,
        deleted_at=None,
        buyer_note=None,
        owner_id=1,
        author_id=3,
        sequel_of_id=None,
        shelf_id=None,
    )


def microseconds(work: Callable[[], Any]) -> float:
    for _ in range(100):
        work()
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(ROUNDS // 5):
            work()
        best = min(best, (time.process_time() - started) / (ROUNDS // 5))
    return best * 1e6


def main() -> None:
    rows = [book(number) for number in range(25)]
    me = claims(1)
    asked = [("sort", "-created-at"), ("page[size]", "25"), ("filter", '[{"name":"title","op":"ilike","val":"%b%"}]')]

    def build() -> Any:
        query = parse(asked)
        viewer = viewer_of(me, query)
        view = viewer.view(books)
        return (
            view.select()
            .where(*criteria.where(viewer, books, query.filter))
            .order_by(*criteria.order(viewer, books, query.sort))
            .limit(25)
        )

    viewer = viewer_of(me)
    view = viewer.view(books)
    held = (True,) * (len(view.columns) + len(view.held(())) if not view.columns else len(books.plan.levels))
    variant = books.serializer.variant(held, None)

    def serialize() -> Any:
        return [variant(row, NOTHING_LINKED) for row in rows]

    document = documents.of_many(None, viewer, books, [(row, held) for row in rows], parse([]))  # type: ignore[arg-type]
    write = sys.stdout.write
    write(f"query building     {microseconds(build):7.1f} µs\n")
    write(f"serializing        {microseconds(serialize):7.1f} µs\n")
    with flask_app.test_request_context("/v1/books"):
        write(f"JSON and response  {microseconds(lambda: respond(document)):7.1f} µs\n")


if __name__ == "__main__":
    main()
