"""What others may ask of us."""

from chassis import clock
from chassis.db import run, transaction
from proto.orders import orders_pb2
from services.orders.commands import restricting, telling
from services.orders.queries import orders as queries
from services.orders.queries import sales


class OrdersServicer:
    """The gRPC service Orders."""

    def Restrict(self, request: orders_pb2.RestrictRequest) -> orders_pb2.RestrictReply:  # noqa: N802
        """Tightens capacities and limits, all or none. Raises BelowSold (409) when more was promised already."""
        run(lambda db: restricting.restrict(db, request))
        return orders_pb2.RestrictReply()

    def GetAvailability(  # noqa: N802
        self, request: orders_pb2.AvailabilityRequest
    ) -> orders_pb2.AvailabilityReply:
        """Held and sold seats per ticket type of an event."""
        with transaction() as db:
            rows = sales.stock_of_event(db, request.event_id)
        return orders_pb2.AvailabilityReply(
            tickets=[orders_pb2.TicketStock(ticket_id=row.ticket_id, held=row.held, sold=row.sold) for row in rows]
        )

    def GetEventSales(self, request: orders_pb2.EventSalesRequest) -> orders_pb2.EventSales:  # noqa: N802
        """Whether an event has orders, whatever became of them."""
        with transaction() as db:
            return orders_pb2.EventSales(has_orders=sales.has_orders(db, request.event_id))

    def GetOrder(self, request: orders_pb2.GetOrderRequest) -> orders_pb2.OrderState:  # noqa: N802
        """An order with everything in it. Raises NotFound."""
        with transaction() as db:
            return telling.order_state(db, queries.find(db, request.identifier, with_deleted=True))

    def GetUsedCodes(self, request: orders_pb2.UsedCodesRequest) -> orders_pb2.UsedCodes:  # noqa: N802
        """Which discount codes of an event were ever ordered with."""
        with transaction() as db:
            return orders_pb2.UsedCodes(discount_code_ids=sales.used_codes_of_event(db, request.event_id))

    def GetComingOrders(  # noqa: N802
        self, request: orders_pb2.ComingOrdersRequest
    ) -> orders_pb2.ComingOrders:
        """How many orders a user has for events that have not ended."""
        with transaction() as db:
            return orders_pb2.ComingOrders(orders=sales.coming_orders_of_user(db, request.user_id, clock.now()))
