"""The payments service: money movement, what providers know of it, and the ledger of both."""

from pathlib import Path

import chassis.tables
import services.payments.models.ledger  # noqa: F401 (its tables are written in SQL)
from chassis.rpc import Servicer
from chassis.service import Service
from proto.payments import payments_pb2
from proto.payments.payments_pb2_grpc import add_PaymentsServicer_to_server
from services.payments import consumers, jobs, start
from services.payments.config import Settings
from services.payments.grpc_server import PaymentsServicer
from services.payments.models import Base

SERVICE = Service(
    name="payments",
    package="services.payments",
    settings=Settings,
    metadata=[Base.metadata, chassis.tables.metadata],
    spec=Path(__file__).with_name("openapi.yaml"),
    servicers=[
        Servicer(
            payments_pb2.DESCRIPTOR.services_by_name["Payments"], add_PaymentsServicer_to_server, PaymentsServicer()
        )
    ],
    consumers=[consumers],
    jobs=[jobs],
    prepare=start.prepare,
    stop=start.stop,
)
