"""Many ask for an offer in the same moment."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from chassis.errors import DomainError, NotFound
from proto.events import events_pb2, events_pb2_grpc
from services.orders import clients
from services.orders.tests.fair import Fair


@pytest.fixture
def rush(peer: Callable[..., None], fair: Fair) -> Callable[..., list[Any]]:
    """Asks for one of each of these ticket types, all while a first question is being answered; offers or refusals."""
    is_asked, is_answered = threading.Event(), threading.Event()

    def get_offer(request: events_pb2.OfferRequest) -> events_pb2.Offer:
        if not is_asked.is_set():
            is_asked.set()
            assert is_answered.wait(5)
        return fair.get_offer(request)

    def ask(tickets: list[int], **rpcs: Callable[[Any], Any]) -> list[Any]:
        peer("events", GetOffer=get_offer, **rpcs)
        with ThreadPoolExecutor(len(tickets) + 1) as threads:
            first = threads.submit(clients.get_offer, {1: 1}, None)
            assert is_asked.wait(5)
            others = [threads.submit(clients.get_offer, {ticket: 1}, None) for ticket in tickets]
            while len(clients.ask_for_offer.waiting) < len(tickets):
                time.sleep(0.001)
            is_answered.set()
            assert first.result(5).tickets[0].ticket.id == 1
            return [each.exception(5) or each.result() for each in others]

    return ask


def tickets_of(answers: list[Any]) -> list[Any]:
    return [each.code if isinstance(each, DomainError) else each.tickets[0].ticket.id for each in answers]


def test_those_who_come_while_an_offer_is_asked_for_are_asked_for_together(
    rush: Callable[..., list[Any]], fair: Fair
) -> None:
    calls: list[int] = []

    def get_offers(request: events_pb2.OffersRequest) -> events_pb2.Offers:
        calls.append(len(request.requests))
        return fair.get_offers(request)

    answers = rush([2, 1, 99, 3], GetOffers=get_offers)
    assert sorted(map(str, tickets_of(answers))) == ["1", "2", "3", "not-found"]
    assert tickets_of(answers) == [2, 1, "not-found", 3], "each their own"
    assert isinstance(answers[2], NotFound)
    assert calls == [4]


def test_an_older_version_of_events_is_asked_one_by_one(
    rush: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a moment during an upgrade."""
    newest = events_pb2_grpc.EventsStub

    def of_older_version(channel: grpc.Channel) -> Any:
        stub = newest(channel)
        stub.GetOffers = channel.unary_unary(
            "/stagedoor.events.Events/NotYetThere",
            request_serializer=events_pb2.OffersRequest.SerializeToString,
            response_deserializer=events_pb2.Offers.FromString,
        )
        return stub

    monkeypatch.setattr(events_pb2_grpc, "EventsStub", of_older_version)
    assert tickets_of(rush([2, 99, 3])) == [2, "not-found", 3]
