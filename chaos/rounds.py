"""One round: a fresh event, a storm over its sale, calm, and what the checker says."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

import psycopg
import requests

from chaos.buyers import Buyer, GaveUp, Organizer, Person
from chaos.calm import read_when_calm
from chaos.checker import Violation, check
from chaos.rabbitmq import RabbitMQ
from chaos.relay import Relays
from chaos.saboteur import Saboteur
from chaos.stores import Stores
from local.api import Api
from local.process import NotReady
from local.system import System
from tests.journey.running import Local
from tests.journey.stage import PASSWORD, OnSale, Stage

ROLLING_EVERY = 25


@dataclass
class Result:
    """One line of the table."""

    number: int
    seed: str
    orders: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)  # kills, pauses, restarts, cuts, faults, rolled
    gave_up: int = 0
    violations: list[Violation] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    calm_seconds: float = 0.0
    seconds: float = 0.0
    event_id: int = 0


class Theatre:
    """One system for all rounds, and the people who come every evening. `system` is routed through `relays`."""

    def __init__(self, system: System, relays: Relays, rabbitmq: RabbitMQ | None = None, *, buyers: int = 5) -> None:
        self.system = system
        self.rabbitmq = rabbitmq
        self.relays = relays
        self._url = f"http://127.0.0.1:{relays.route('buyers', 'gateway', system.ports.gateway)}"
        self.stage = Stage(Local(system)).set_up()
        self._addresses = [self.stage.person("buyer").address for _ in range(buyers)]
        self._organizer = self.stage.person("organizer").address

    def play(self, number: int, seed: str, *, purchases: int = 3) -> Result:
        """Buyers, saboteur, calm, checker. The seed decides who wants what and what breaks when.

        Rounds 1, 26, 51 and so on have a rolling restart instead of a storm: buyers go on until it is over, and repeat a
        request only once.
        """
        started = time.monotonic()
        result = Result(number, seed)
        saboteur = Saboteur(self.system, self.relays, self.rabbitmq)
        is_rolling = int(seed.rpartition(".")[2]) % ROLLING_EVERY == 1
        event, code = self._announce(seed, seats=200 if is_rolling else 20)
        result.event_id = int(event.id)
        people = self._people(event, seed, tries_once_more=is_rolling)
        try:
            if is_rolling:
                self._sell_while(people, event, code, saboteur.roll)
            else:
                self._sell_in_a_storm(people, event, code, saboteur, seed, purchases)
        except NotReady as error:
            result.violations.append(Violation("everything_comes_back", str(error)))
        finally:
            result.violations += self._mend(saboteur)
        result.violations += [
            Violation("one_retry_mends_a_restart", what) for person in people for what in person.broken
        ]
        self._look(result)
        result.done, result.said = saboteur.done, saboteur.said
        result.gave_up = sum(each.gave_up for each in people)
        result.seconds = time.monotonic() - started
        return result

    def stores(self) -> Stores:
        """What the checker may look at, now."""
        return Stores(self.system.database_urls, self.system.folder, self.rabbitmq)

    def look_again(self, result: Result) -> list[Violation]:
        """Later rounds must not have changed anything; what had time left then may have ended since."""
        world = read_when_calm(self.stores, result.event_id)
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

    def one_try_and_another(self) -> list[str]:
        """What is broken for somebody who looks at her orders, and repeats that only once."""
        person = Person(self._log_in(self._addresses[0]), random.Random("quiet"), tries_once_more=True)
        try:
            person.send("GET", f"/v1/users/{person.api.user_id}/orders")
        except GaveUp:
            return person.broken
        return []

    def _look(self, result: Result) -> None:
        quiet_from = time.monotonic()
        self._turn_clock(result.event_id)
        world = read_when_calm(self.stores, result.event_id)
        result.calm_seconds = time.monotonic() - quiet_from
        result.violations += check(world)
        result.orders = Counter(order["status"] for order in world.orders)

    def _announce(self, seed: str, *, seats: int = 20) -> tuple[OnSale, str]:
        """A published event with fewer seats than will be wanted, and a code for some of them."""
        tickets = {
            "Seat": {"type": "paid", "price": 20, "quantity": seats, "max-order": 3},
            "Free": {"type": "free", "price": 0, "quantity": 5, "max-order": 3},
        }
        event = self.stage.on_sale(tickets, self._log_in(self._organizer), name=f"Round {seed}")
        paid = replace(event, tickets={"Seat": event.tickets["Seat"]})
        return event, self.stage.discount(paid, value=25, **{"tickets-number": 5, "max-quantity": 3})["id"]

    def _people(self, event: OnSale, seed: str, *, tries_once_more: bool) -> list[Buyer | Organizer]:
        """The buyers, and the organizer at the end."""
        buyers = [
            Buyer(self._log_in(address), random.Random(f"{seed}/{at}"), tries_once_more=tries_once_more)
            for at, address in enumerate(self._addresses)
        ]
        whims = random.Random(f"{seed}/organizer")
        return [*buyers, Organizer(event.organizer, whims, tries_once_more=tries_once_more)]

    def _sell_in_a_storm(
        self, people: list[Buyer | Organizer], event: OnSale, code: str, saboteur: Saboteur, seed: str, purchases: int
    ) -> None:
        """Until every buyer has had so many purchases."""
        over = threading.Event()
        storm = threading.Thread(target=saboteur.storm, args=(random.Random(f"{seed}/storm"), over))
        storm.start()
        try:
            self._sell(people, event, code, lambda bought: bought < purchases)
        finally:
            over.set()
            storm.join()

    def _sell_while(self, people: list[Buyer | Organizer], event: OnSale, code: str, work: Callable[[], None]) -> None:
        """As long as the work lasts."""
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(work)
            self._sell(people, event, code, lambda _: not working.done())
            working.result()

    def _sell(self, people: list[Buyer | Organizer], event: OnSale, code: str, goes_on: Callable[[int], bool]) -> None:
        def shop(buyer: Buyer) -> None:
            bought = 0
            while goes_on(bought):
                buyer.purchase(event, code)
                bought += 1

        buyers = [each for each in people if isinstance(each, Buyer)]
        organizers = [each for each in people if isinstance(each, Organizer)]
        with ThreadPoolExecutor(len(buyers)) as pool:
            shopping = [pool.submit(shop, buyer) for buyer in buyers]
            while wait(shopping, timeout=1.5).not_done:
                for each in organizers:
                    each.work(event)
            for one in shopping:
                one.result()
        for each in organizers:
            each.work(event)

    def _log_in(self, address: str) -> Api:
        return Api(self._url).log_in(address, PASSWORD)

    def _turn_clock(self, event_id: int) -> None:
        """Nobody waits three quarters of an hour: what was left unpaid is over now, and the job has to notice."""
        with psycopg.connect(self.system.database_urls["orders"]) as db:
            db.execute(
                "UPDATE orders SET expires_at = now() - interval '1 second'"
                " WHERE event_id = %s AND status IN ('initializing', 'pending')",
                (event_id,),
            )
