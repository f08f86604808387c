"""What completed orders brought in and placed ones will: the figures of events are sums of it, order by order."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.events.models.base import Base


class OrderSale(Base):
    """The newest known state of one order; zeros when it is cancelled."""

    __tablename__ = "order_sales"

    order_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("events.id", ondelete="CASCADE"), index=True)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    amount_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    tickets: Mapped[int] = mapped_column(default=0)
    is_placed: Mapped[bool] = mapped_column(default=False, server_default="false")
