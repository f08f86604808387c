"""One round: a fresh event, a storm over its sale, calm, and what the checker says."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import psycopg
import requests

from chaos.buyers import Buyer, Organizer, on_sale
from chaos.checker import Violation, check
from chaos.saboteur import Saboteur
from chaos.stores import Stores
from local.api import Api
from local.process import NotReady
from local.system import System
from tests.journey.running import Local
from tests.journey.stage import PASSWORD, OnSale, Stage, text

CALM_SECONDS = 60.0


@dataclass
class Result:
    """One line of the table."""

    number: int
    seed: str
    orders: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    pauses: int = 0
    faults: int = 0
    gave_up: int = 0
    violations: list[Violation] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    calm_seconds: float = 0.0
    seconds: float = 0.0
    event_id: int = 0


class Theatre:
    """One system for all rounds, and the people who come every evening."""

    def __init__(self, system: System, *, buyers: int = 5) -> None:
        self.system = system
        self.stage = Stage(Local(system)).set_up()
        self._addresses = [self.stage.person("buyer").address for _ in range(buyers)]
        self._organizer = self.stage.person("organizer").address

    def play(self, number: int, seed: str, *, purchases: int = 3) -> Result:
        """Buyers, saboteur, calm, checker. The seed decides who wants what and what breaks when."""
        started = time.monotonic()
        result = Result(number, seed)
        saboteur = Saboteur(self.system)
        event, code = self._announce(seed)
        result.event_id = int(event.id)
        people = self._people(seed)
        over = threading.Event()
        storm = threading.Thread(target=saboteur.storm, args=(random.Random(f"{seed}/storm"), over))
        storm.start()
        try:
            self._sell(people, event, code, purchases, seed)
        finally:
            over.set()
            storm.join()
            result.violations += self._mend(saboteur)
        self._look(result)
        result.kills, result.pauses, result.faults = saboteur.kills, saboteur.pauses, saboteur.faults
        result.said, result.gave_up = saboteur.said, sum(each.gave_up for each in people)
        result.seconds = time.monotonic() - started
        return result

    def look_again(self, result: Result) -> list[Violation]:
        """Later rounds must not have changed anything; what had time left then may have ended since."""
        with Stores(self.system.database_urls, self.system.folder) as stores:
            world = stores.read(result.event_id)
        result.orders = Counter(order["status"] for order in world.orders)
        return check(world)

    def _mend(self, saboteur: Saboteur) -> list[Violation]:
        try:
            saboteur.calm()
        except NotReady as error:
            return [Violation("everything_comes_back", str(error))]
        return []

    def play_everything(self) -> Result:
        """A good day on which everything happens once: code, card, PayPal, nothing to pay, a refund."""
        event, code = self._announce("quiet")
        buyer, stage = self._log_in(self._addresses[0]), self.stage
        by_card = stage.order(buyer, event, Seat=2, discount=code)
        attendees = stage.fill_in(buyer, by_card)
        stage.choose(buyer, by_card, "stripe")
        by_paypal = stage.order(buyer, event, Seat=1)
        stage.fill_in(buyer, by_paypal)
        link = stage.choose(buyer, by_paypal, "paypal")["attributes"]["payment-url"]
        requests.get(link, allow_redirects=False, timeout=10)
        for order, token in ((by_card, "tok_visa"), (by_paypal, None)):
            stage.charge(buyer, order, token)
            stage.becomes(buyer, order, "completed", within_seconds=60)
        free = stage.order(buyer, event, Free=1)
        stage.fill_in(buyer, free)
        stage.choose(buyer, free, "free", "completed")
        stage.has_pdfs(buyer, by_card)
        path = f"/v1/orders/{by_card['attributes']['identifier']}/refund"
        event.organizer.call("POST", path, json={"attendees": attendees[:1]})
        result = Result(0, "quiet", event_id=int(event.id))
        self._look(result)
        return result

    def _look(self, result: Result) -> None:
        quiet_from = time.monotonic()
        self._turn_clock(result.event_id)
        self._wait_until_calm()
        result.calm_seconds = time.monotonic() - quiet_from
        with Stores(self.system.database_urls, self.system.folder) as stores:
            world = stores.read(result.event_id)
        result.violations += check(world)
        result.orders = Counter(order["status"] for order in world.orders)

    def _announce(self, seed: str) -> tuple[OnSale, str]:
        now = datetime.now(UTC).replace(microsecond=0)
        moments = {
            "before": text(now - timedelta(days=1)),
            "sold-until": text(now + timedelta(days=29)),
            "starts": text(now + timedelta(days=30)),
            "ends": text(now + timedelta(days=30, hours=4)),
        }
        event = on_sale(self._log_in(self._organizer), f"Round {seed}", moments, seats=20, free=5)
        paid = replace(event, tickets={"Seat": event.tickets["Seat"]})
        return event, self.stage.discount(paid, value=25, **{"tickets-number": 5, "max-quantity": 3})["id"]

    def _people(self, seed: str) -> list[Buyer]:
        return [
            Buyer(self._log_in(address), random.Random(f"{seed}/{at}")) for at, address in enumerate(self._addresses)
        ]

    def _sell(self, people: list[Buyer], event: OnSale, code: str, purchases: int, seed: str) -> None:
        organizer = Organizer(event.organizer, random.Random(f"{seed}/organizer"))

        def shop(buyer: Buyer) -> None:
            for _ in range(purchases):
                buyer.purchase(event, code)

        with ThreadPoolExecutor(len(people)) as pool:
            done = [pool.submit(shop, buyer) for buyer in people]
            while not all(each.done() for each in done):
                time.sleep(1.5)
                organizer.work(event)
            for each in done:
                each.result()
        organizer.work(event)

    def _log_in(self, address: str) -> Api:
        return Api(self.system.url).log_in(address, PASSWORD)

    def _turn_clock(self, event_id: int) -> None:
        """Nobody waits three quarters of an hour: what was left unpaid is over now, and the job has to notice."""
        with psycopg.connect(self.system.database_urls["orders"]) as db:
            db.execute(
                "UPDATE orders SET expires_at = now() - interval '1 second'"
                " WHERE event_id = %s AND status IN ('initializing', 'pending')",
                (event_id,),
            )

    def _wait_until_calm(self) -> None:
        deadline = time.monotonic() + CALM_SECONDS
        quiet = 0
        while quiet < 2 and time.monotonic() < deadline:
            with Stores(self.system.database_urls, self.system.folder) as stores:
                quiet = 0 if any(stores.waiting().values()) else quiet + 1
            time.sleep(0.5)
