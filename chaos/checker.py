"""What must be true after every bad day. Each check takes what is left and says what is wrong with it."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pypdfium2

from chaos.stores import Row, World

LIVE = ("initializing", "pending", "placed")
FINAL = ("completed", "expired", "cancelled")
ONLINE = ("stripe", "paypal")


@dataclass(frozen=True)
class Violation:
    """Which check failed, and how."""

    check: str
    what: str

    def __str__(self) -> str:
        return f"{self.check}: {self.what}"


def seats_sold_are_attendees_are_tickets(world: World) -> Iterator[str]:
    """Seats sold = attendees sold = valid issued tickets ≤ capacity, per ticket type and attendee by attendee."""
    sold = Counter(each["ticket_id"] for each in world.attendees if each["seat"] == "sold")
    valid = Counter(each["ticket_id"] for each in world.tickets if each["status"] == "valid")
    for stock in world.stock:
        ticket = stock["ticket_id"]
        if not stock["sold"] == sold[ticket] == valid[ticket]:
            yield f"ticket {ticket}: {stock['sold']} sold, {sold[ticket]} attendees, {valid[ticket]} valid tickets"
        if stock["sold"] + stock["held"] > stock["capacity"]:
            yield f"ticket {ticket}: {stock['sold']} sold + {stock['held']} held of {stock['capacity']}"
    if unknown := (set(sold) | set(valid)) - {stock["ticket_id"] for stock in world.stock}:
        yield f"tickets without stock: {sorted(unknown)}"
    attendees = {each["id"] for each in world.attendees if each["seat"] == "sold"}
    issued = {each["attendee_id"] for each in world.tickets if each["status"] == "valid"}
    if attendees != issued:
        yield f"attendees without a valid ticket {sorted(attendees - issued)}, tickets of nobody {sorted(issued - attendees)}"


def seats_are_held_for_somebody(world: World) -> Iterator[str]:
    """A seat is held for an order that may still be paid, sold in a completed one, and released otherwise."""
    status = {order["id"]: order["status"] for order in world.orders}
    held = Counter(each["ticket_id"] for each in world.attendees if each["seat"] == "held")
    for stock in world.stock:
        if stock["held"] != held[stock["ticket_id"]]:
            yield f"ticket {stock['ticket_id']}: {stock['held']} held, for {held[stock['ticket_id']]} attendees"
    for each in world.attendees:
        of = status.get(each["order_id"], "nothing")
        allowed = ("held",) if of in LIVE else ("sold", "released") if of == "completed" else ("released",)
        if each["seat"] not in allowed:
            yield f"attendee {each['id']}: seat {each['seat']} in an order that is {of}"


def code_uses_are_discounted_attendees(world: World) -> Iterator[str]:
    """Uses of a code = attendees who come for less ≤ its limit."""
    code_of = {order["id"]: order["discount_code_id"] for order in world.orders}
    used = Counter(
        code_of.get(each["order_id"])
        for each in world.attendees
        if each["is_discount_applied"] and each["seat"] in ("held", "sold")
    )
    for code in world.code_uses:
        if code["used"] != used[code["code_id"]]:
            yield f"code {code['code_id']}: {code['used']} uses, {used[code['code_id']]} discounted attendees"
        if code["use_limit"] and code["used"] > code["use_limit"]:
            yield f"code {code['code_id']}: {code['used']} uses of {code['use_limit']}"


def an_order_is_paid_once_or_not(world: World) -> Iterator[str]:
    """In the providers' books: one capture for a completed order, none for others unless all of it went back."""
    order_of = {str(each["id"]): each["order_identifier"] for each in world.payments}
    taken: dict[str, list[int]] = {}
    for capture in world.captures:
        if capture["payment_id"] in order_of:
            taken.setdefault(order_of[capture["payment_id"]], []).append(capture["amount_minor"])
    back = Counter[str]()
    for refund in world.given_back:
        back[order_of.get(refund["payment_id"], "")] += refund["amount_minor"]
    for order in world.orders:
        amounts, returned = taken.get(order["identifier"], []), back[order["identifier"]]
        name = f"order {order['identifier']} ({order['status']}, {order['paid_via']})"
        if len(amounts) > 1:
            yield f"{name}: {len(amounts)} captures {amounts}"
        if order["status"] == "completed" and order["paid_via"] in ONLINE and amounts != [order["amount_minor"]]:
            yield f"{name}: costs {order['amount_minor']}, captured {amounts}"
        if order["status"] != "completed" and sum(amounts) != returned:
            yield f"{name}: captured {amounts}, only {returned} went back"


def refunds_are_at_most_captures(world: World) -> Iterator[str]:
    """Per payment in the providers' books, and as orders remembers it."""
    taken, back = _sum(world.captures), _sum(world.given_back)
    for payment_id, amount in back.items():
        if amount > taken[payment_id]:
            yield f"payment {payment_id}: {amount} given back of {taken[payment_id]}"
    for order in world.orders:
        paid = order["captured_minor"] or order["amount_minor"]  # by a provider, or offline
        if order["refunded_minor"] > paid:
            yield f"order {order['identifier']}: {order['refunded_minor']} refunded of {paid}"


def our_ledger_is_their_book(world: World) -> Iterator[str]:
    """Per payment, to the cent: charges booked = captures, refunds booked = refunds; the payment row says the same."""
    taken, back = _sum(world.captures), _sum(world.given_back)
    booked = Counter[tuple[str, str]]()
    for each in world.transfers:
        booked[str(each["payment_id"]), each["kind"]] += each["amount_minor"]
    for payment in world.payments:
        id_ = str(payment["id"])
        charged, returned = booked[id_, "charge"], booked[id_, "refund"] - booked[id_, "refund-returned"]
        if not charged == taken[id_] == payment["captured_minor"]:
            yield f"payment {id_}: ledger {charged}, provider {taken[id_]}, row {payment['captured_minor']}"
        if not returned == back[id_] == payment["refunded_minor"]:
            yield f"payment {id_}: refunds: ledger {returned}, provider {back[id_]}, row {payment['refunded_minor']}"


def every_ticket_has_its_pdf(world: World) -> Iterator[str]:
    """One readable PDF in the storage per valid ticket, its own, and one per completed order that has any."""
    valid = [each for each in world.tickets if each["status"] == "valid"]
    with_tickets = {each["order_identifier"] for each in valid}
    papers = [each for each in world.papers if each["identifier"] in with_tickets]
    keys = Counter(each["pdf_key"] for each in valid)
    for name, each in [
        *((f"attendee {each['attendee_id']}", each) for each in valid),
        *((f"order {each['identifier']}", each) for each in papers),
    ]:
        if not _is_pdf(world.files.get(each["pdf_key"], b"")):
            yield f"{name}: no PDF under {each['pdf_key']!r}"
    for key, times in keys.items():
        if times > 1:
            yield f"{key} is the PDF of {times} tickets"
    known = {each["identifier"] for each in world.papers}
    for order in world.orders:
        if order["status"] == "completed" and order["identifier"] not in known:
            yield f"completed order {order['identifier']} is unknown to tickets"


def everybody_got_one_mail(world: World) -> Iterator[str]:
    """One mail per valid ticket to its holder, none twice; one to the buyer of each completed order that has tickets.

    In the rounds every attendee has an own address, so that mails can be told apart by it.
    """
    holder = Counter(mail.recipient for mail in world.mails if any(n.startswith("ticket-") for n in mail.attachments))
    buyer = Counter((mail.recipient, name) for mail in world.mails for name in mail.attachments)
    for each in world.tickets:
        times = holder[each["holder_email"].lower()]
        if times > 1 or (each["status"] == "valid" and times != 1):
            yield f"{each['holder_email']} ({each['status']} ticket): {times} ticket mails"
    for order in world.orders:
        bought = [
            times
            for (recipient, name), times in buyer.items()
            if recipient == order["buyer_email"].lower() and name == f"order-{_number_of(order)}.pdf"
        ]
        has_tickets = any(
            each["order_identifier"] == order["identifier"] and each["status"] == "valid" for each in world.tickets
        )
        wanted = order["status"] == "completed" and has_tickets
        if sum(bought) > 1 or (wanted and sum(bought) != 1):
            yield f"buyer of {order['identifier']} ({order['status']}): {sum(bought)} order mails"


def nothing_is_left_undone(world: World) -> Iterator[str]:
    """No message unprocessed, no mail unsent, no refund owed by us, nothing to draw."""
    for name, count in world.waiting.items():
        if count:
            yield f"{count} {name}"


def no_message_is_dead(world: World) -> Iterator[str]:
    """Dead letters are empty."""
    yield from world.dead


def nothing_was_applied_twice(world: World) -> Iterator[str]:
    """One charge per payment and one refund per decision, in our ledger and in the providers' books; sums agree."""
    charges = Counter(str(each["payment_id"]) for each in world.transfers if each["kind"] == "charge")
    captures = Counter(each["payment_id"] for each in world.captures)
    refunds = Counter(each["ours"] for each in world.given_back if each["ours"])
    for what, counted in (("charges booked", charges), ("captures", captures), ("refunds", refunds)):
        for id_, times in counted.items():
            if times > 1 and id_:
                yield f"{times} {what} for {id_}"
    given = Counter[int]()
    for each in world.decisions:
        if each["is_of_order"] and each["status"] in ("succeeded", "paid"):
            given[each["order_id"]] += each["refunded_minor"]
    for order in world.orders:
        if order["refunded_minor"] != given[order["id"]]:
            yield f"order {order['identifier']}: refunded {order['refunded_minor']}, decisions say {given[order['id']]}"


def every_order_has_an_end(world: World) -> Iterator[str]:
    """Final, placed (waits for the organizer), or unpaid with time left."""
    for order in world.orders:
        ends = order["expires_at"].timestamp() if order["expires_at"] else 0.0
        charging = order["charging_until"].timestamp() if order["charging_until"] else 0.0
        has_time = order["status"] in ("initializing", "pending") and max(ends, charging) > world.now
        if order["status"] not in (*FINAL, "placed") and not has_time:
            yield f"order {order['identifier']} is still {order['status']}"


CHECKS: tuple[Callable[[World], Iterator[str]], ...] = (
    seats_sold_are_attendees_are_tickets,
    seats_are_held_for_somebody,
    code_uses_are_discounted_attendees,
    an_order_is_paid_once_or_not,
    refunds_are_at_most_captures,
    our_ledger_is_their_book,
    every_ticket_has_its_pdf,
    everybody_got_one_mail,
    nothing_is_left_undone,
    no_message_is_dead,
    nothing_was_applied_twice,
    every_order_has_an_end,
)


def check(world: World) -> list[Violation]:
    """All that is wrong; nothing on a good day."""
    return [Violation(each.__name__, what) for each in CHECKS for what in each(world)]


def _sum(entries: list[Row]) -> Counter[str]:
    found = Counter[str]()
    for each in entries:
        found[each["payment_id"]] += each["amount_minor"]
    return found


def _is_pdf(content: bytes) -> bool:
    if not content.startswith(b"%PDF-"):
        return False
    try:
        document = pypdfium2.PdfDocument(content)
        pages = len(document)
        document.close()
    except pypdfium2.PdfiumError:
        return False
    return pages > 0


def _number_of(order: Row) -> str:
    """As order PDFs are named."""
    return f"O{int(order['created_at'].timestamp())}-{order['id']}"
