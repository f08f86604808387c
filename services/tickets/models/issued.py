"""Orders as far as tickets must know them, and the tickets that were issued for their attendees."""

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from services.tickets.models.base import Address, Base, Big, Moment, Text, Word


class Order(Base):
    """One order. `version` is the highest that was heard; what is older is ignored, whatever it says.

    `revision` is raised whenever something on its pages changes; the PDFs are due while `rendered_revision` is lower.
    `due_at` is when a renderer may take it: at once, or after a pause when something could not be drawn.
    """

    __tablename__ = "orders"

    identifier: Mapped[Word] = mapped_column(primary_key=True)
    version: Mapped[Big]
    status: Mapped[Word]  # paid, placed, cancelled, expired
    event_id: Mapped[Big]
    buyer_id: Mapped[Big]
    buyer_email: Mapped[Address]
    state: Mapped[bytes] = mapped_column(LargeBinary)  # the OrderState of that version
    secret: Mapped[Word]  # makes the names of stored files unguessable
    revision: Mapped[int] = mapped_column(default=1)
    rendered_revision: Mapped[int] = mapped_column(default=0)
    pdf_key: Mapped[str] = mapped_column(String(500), default="")
    is_invoice_wanted: Mapped[bool] = mapped_column(default=False)  # invoices are drawn when somebody asks
    invoice_key: Mapped[str] = mapped_column(String(500), default="")
    due_at: Mapped[Moment]
    request_id: Mapped[Word] = mapped_column(default="", server_default="")  # the request and the trace that its
    traceparent: Mapped[Word] = mapped_column(default="", server_default="")  # pages belong to
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[Text] = mapped_column(default="")

    __table_args__ = (
        Index(
            "ix_orders_due",
            "due_at",
            postgresql_where=text("status = 'paid' AND (rendered_revision < revision OR is_invoice_wanted)"),
        ),
        Index("ix_orders_event", "event_id"),
        Index("ix_orders_buyer", "buyer_id"),
    )


class Ticket(Base):
    """One attendee's ticket; its key is the attendee, so there is never a second one.

    A revocation that comes before the issue leaves a row too, a tombstone. `version` is the order's version that last
    decided whether it is valid, `holder_version` the one that last said who holds it. `issue` is what the QR code must
    say; it rises when the holder's address changes, and the older code is then worth nothing.
    """

    __tablename__ = "tickets"

    attendee_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    order_identifier: Mapped[Word]
    event_id: Mapped[Big]
    ticket_id: Mapped[Big]
    serial: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    status: Mapped[Word]  # unissued, valid, revoked
    version: Mapped[Big]
    issue: Mapped[int] = mapped_column(default=1)
    token: Mapped[Word] = mapped_column(unique=True)
    holder_version: Mapped[Big]
    holder_name: Mapped[Text] = mapped_column(default="")
    holder_email: Mapped[Address] = mapped_column(default="")
    user_id: Mapped[Big] = mapped_column(default=0)
    ticket_name: Mapped[Text] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=1)
    rendered_revision: Mapped[int] = mapped_column(default=0)
    pdf_key: Mapped[str] = mapped_column(String(500), default="")
    mailed_issue: Mapped[int] = mapped_column(default=0)  # a new issue is mailed, a redrawn page is not
    revoked_at: Mapped[Moment | None]

    __table_args__ = (
        Index("ix_tickets_order", "order_identifier"),
        Index("ix_tickets_event", "event_id"),
        Index("ix_tickets_email", text("lower(holder_email)")),
    )


class DoomedFile(Base):
    """A stored file that nothing leads to any more; a job removes it. Files and rows cannot go in one transaction."""

    __tablename__ = "doomed_files"

    key: Mapped[str] = mapped_column(String(500), primary_key=True)
    due_at: Mapped[Moment]
