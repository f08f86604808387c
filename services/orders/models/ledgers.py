"""The two ledgers: how many seats and code uses are taken. Counters change only together with attendee rows."""

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from services.orders.models.base import Base, Big


class Stock(Base):
    """The seats of one ticket type. `version` is `domain.stock.revision` of the offer that capacity and on_sale came from.

    held + sold may exceed capacity only if the owner tightened it by message after a restore; never by an order.
    """

    __tablename__ = "stock"

    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[Big]
    capacity: Mapped[int] = mapped_column(Integer)
    version: Mapped[Big]
    on_sale: Mapped[bool]
    held: Mapped[int] = mapped_column(Integer, default=0)
    sold: Mapped[int] = mapped_column(Integer, default=0)

    __table_args__ = (
        CheckConstraint("held >= 0", name="held"),
        CheckConstraint("sold >= 0", name="sold"),
        Index("ix_stock_event", "event_id"),
        {"postgresql_with": {"fillfactor": "50"}},
    )


class CodeUse(Base):
    """The uses of one discount or access code. `use_limit` 0: as many as you like."""

    __tablename__ = "code_uses"

    code_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    is_access_code: Mapped[bool] = mapped_column(primary_key=True)
    use_limit: Mapped[int] = mapped_column(Integer)
    version: Mapped[Big]
    is_active: Mapped[bool]
    used: Mapped[int] = mapped_column(Integer, default=0)

    __table_args__ = (CheckConstraint("used >= 0", name="used"), {"postgresql_with": {"fillfactor": "50"}})


class InvoiceCounter(Base):
    """The last invoice number of an event: numbers have no gaps, since they are drawn in the completing transaction."""

    __tablename__ = "invoice_counters"

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    prefix: Mapped[str] = mapped_column(String(64))
    last: Mapped[int] = mapped_column(Integer)
