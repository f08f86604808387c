"""The table of contents: this spec, these servicers, consumers, jobs."""

from collections.abc import Sequence
from pathlib import Path

from chassis import jsonapi, tables
from chassis.rpc import Servicer
from chassis.service import Service
from proto.orders import orders_pb2, orders_pb2_grpc
from services.orders import config, consumers, jobs
from services.orders.api import resources
from services.orders.config import Settings
from services.orders.grpc_server import OrdersServicer
from services.orders.models import Base


def prepare(settings: Settings, _roles: Sequence[str]) -> None:
    """Once per process, before it does anything."""
    config.configure(settings)
    assert resources.orders is not None  # noqa: S101 (declared by import)
    jsonapi.prepare(Base.metadata)


SERVICE = Service(
    name="orders",
    package="services.orders",
    settings=Settings,
    metadata=[Base.metadata, tables.metadata],
    spec=Path(__file__).with_name("openapi.yaml"),
    servicers=[
        Servicer(
            orders_pb2.DESCRIPTOR.services_by_name["Orders"],
            orders_pb2_grpc.add_OrdersServicer_to_server,
            OrdersServicer(),
        )
    ],
    consumers=[consumers],
    jobs=[jobs],
    prepare=prepare,
)
