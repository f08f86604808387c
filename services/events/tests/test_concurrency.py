"""Two at once. Each test fails when the guard that it names is removed."""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chassis.testing import Client
from proto.events.events_pb2 import EventChanged, TicketChanged
from services.events import catalogue, commands
from services.events.models import DiscountCode, Event, EventSession, Tax, Ticket
from services.events.tests.conftest import NOW, START, Making, Orders, Published, made, patch, text, to


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each work answers, all started together."""
    barrier = threading.Barrier(len(works))
    answers: list[Any] = [None] * len(works)

    def run(index: int, work: Callable[[], Any]) -> None:
        barrier.wait()
        answers[index] = work()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def meeting(monkeypatch: Any, module: Any, name: str, parties: int = 2) -> None:
    """Makes everyone who calls this function wait (a little) until the others have passed it too."""
    barrier = threading.Barrier(parties)
    original = getattr(module, name)

    def passed(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=0.5)
        return found

    monkeypatch.setattr(module, name, passed)


def test_two_codes_of_an_event_at_once(making: Making, db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard: the lock on the event in `queries.event_for(lock=True)`; without it the second is a 409 of the index."""
    event = making.event()
    meeting(monkeypatch, catalogue, "check_only_event_code")
    given = {"type": "percent", "value": 50, "used_for": "event", "is_active": True}
    answers = at_once(
        *(
            lambda code=code: making.child(
                "discount-codes", "discount-code", event, by=making.admin, code=code, **given
            )
            for code in ("ONE", "TWO")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert db.scalar(select(func.count()).select_from(DiscountCode)) == 1


def test_two_tickets_of_one_name_at_once(making: Making, db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard: the unique index uq_tickets_name, since both have looked before either has written."""
    event = making.event()
    meeting(monkeypatch, catalogue, "_check_name")
    given = {"name": "Stalls", "type": "free", "sales_starts_at": text(NOW), "sales_ends_at": text(START)}
    answers = at_once(*(lambda: making.child("tickets", "ticket", event, **given) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert db.scalar(select(func.count()).select_from(Ticket)) == 1


def test_two_taxes_at_once(making: Making, db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard: the lock on the event (and, behind it, the unique index)."""
    event = making.event()
    meeting(monkeypatch, catalogue, "check_tax")
    answers = at_once(*(lambda: making.child("taxes", "tax", event, name="VAT", rate=7) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert db.scalar(select(func.count()).select_from(Tax)) == 1


def test_publishing_while_deleting(
    making: Making, orders: Orders, db: Session, monkeypatch: pytest.MonkeyPatch, published: Published
) -> None:
    """Guard: both lock the event before they look; whoever is second finds it gone, or deletes what is published."""
    draft = making.event(state="draft")
    making.ticket(draft)
    path = f"/v1/events/{draft['id']}"
    meeting(monkeypatch, commands, "change_event")  # publishing has looked, and waits a little before it writes
    answers = at_once(
        partial(patch, making.owner, path, "event", draft["id"], state="published"), partial(making.owner.delete, path)
    )
    assert answers[1].status_code == 200
    assert answers[0].status_code in (200, 404)
    row = db.scalars(select(Event).where(Event.id == int(draft["id"]))).one()
    assert row.deleted_at is not None
    assert not published(TicketChanged)[-1].ticket.on_sale
    assert published(EventChanged)[-1].event.deleted


def test_two_sessions_in_one_room_at_once(making: Making, db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard: the lock on the room in `programme._check_room`."""
    from services.events import programme

    event = making.event()
    room = made(making.child("microlocations", "microlocation", event, name="Hall"))
    sessions = [made(making.child("sessions", "session", event, title=title, state="accepted")) for title in "AB"]
    meeting(monkeypatch, programme, "_check_room")

    def move(session: dict[str, Any]) -> Any:
        document = {
            "type": "session",
            "id": session["id"],
            "attributes": {"starts-at": text(START), "ends-at": event["attributes"]["ends-at"]},
            "relationships": {"microlocation": to("microlocation", room["id"])},
        }
        return making.owner.patch(f"/v1/sessions/{session['id']}", json={"data": document})

    answers = at_once(*(lambda session=session: move(session) for session in sessions))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    placed = select(func.count()).select_from(EventSession).where(EventSession.microlocation_id == int(room["id"]))
    assert db.scalar(placed) == 1


def test_many_changes_of_one_ticket_at_once_have_versions_of_their_own(making: Making, published: Published) -> None:
    """Guard: the row lock of Resource.update, and version_id_col behind it."""
    ticket = making.ticket(making.event())
    path = f"/v1/tickets/{ticket['id']}"
    answers = at_once(
        *(lambda price=price: patch(making.owner, path, "ticket", ticket["id"], price=price) for price in range(10, 16))
    )
    assert {answer.status_code for answer in answers} == {200}
    versions = [each.ticket.version for each in published(TicketChanged)]
    assert versions == sorted(set(versions))
    assert len(versions) == 7


def test_the_same_person_accepts_once_only(
    making: Making, client: Client, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guard: the lock on the invitation."""
    from chassis import mail
    from services.events.models import UsersEventsRoles

    event = making.event()
    related = {"role": to("role", "3")}
    made(
        making.child(
            "role-invites", "role-invite", event, related=related, email="user8@example.com", role_name="coorganizer"
        )
    )
    letter = db.execute(select(mail.mail.c.text)).scalar_one()
    db.rollback()
    token = letter.partition("token=")[2].split()[0]
    accept = {"data": {"token": token}}
    answers = at_once(*(lambda: making.stranger.post("/v1/role_invites/accept-invite", json=accept) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 410]
    held = select(func.count()).select_from(UsersEventsRoles).where(UsersEventsRoles.user_id == 8)
    assert db.scalar(held) == 1
