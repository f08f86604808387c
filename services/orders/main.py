"""The orders service: orders and attendees, the ledgers of seats and codes, and what was sold."""

from pathlib import Path

import chassis.tables
from chassis.rpc import Servicer
from chassis.service import Service
from proto.orders import orders_pb2
from proto.orders.orders_pb2_grpc import add_OrdersServicer_to_server
from services.orders import consumers, jobs, start
from services.orders.config import Settings
from services.orders.grpc_server import OrdersServicer
from services.orders.models import Base

SERVICE = Service(
    name="orders",
    package="services.orders",
    settings=Settings,
    metadata=[Base.metadata, chassis.tables.metadata],
    spec=Path(__file__).with_name("openapi.yaml"),
    servicers=[
        Servicer(orders_pb2.DESCRIPTOR.services_by_name["Orders"], add_OrdersServicer_to_server, OrdersServicer())
    ],
    consumers=[consumers],
    jobs=[jobs],
    prepare=start.prepare,
)
