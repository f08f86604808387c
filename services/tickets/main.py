"""The tickets service: what was issued, its PDFs, the mails that carry them, and the door."""

from pathlib import Path

import chassis.mail
import chassis.tables
from chassis.rpc import Servicer
from chassis.service import Service
from proto.tickets import tickets_pb2
from proto.tickets.tickets_pb2_grpc import add_TicketsServicer_to_server
from services.tickets import consumers, jobs, start
from services.tickets.config import Settings
from services.tickets.grpc_server import TicketsServicer
from services.tickets.models import Base

SERVICE = Service(
    name="tickets",
    package="services.tickets",
    settings=Settings,
    metadata=[Base.metadata, chassis.tables.metadata, chassis.mail.metadata],
    spec=Path(__file__).with_name("openapi.yaml"),
    servicers=[
        Servicer(tickets_pb2.DESCRIPTOR.services_by_name["Tickets"], add_TicketsServicer_to_server, TicketsServicer())
    ],
    consumers=[consumers],
    jobs=[jobs, chassis.mail],
    prepare=start.prepare,
    stop=start.stop,
)
