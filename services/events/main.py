"""The events service: events and their teams, the programme, and what is on offer."""

from pathlib import Path

import chassis.mail
import chassis.tables
from chassis.rpc import Servicer
from chassis.service import Service
from proto.events import events_pb2
from proto.events.events_pb2_grpc import add_EventsServicer_to_server
from services.events import consumers, jobs, start
from services.events.config import Settings
from services.events.grpc_server import EventsServicer
from services.events.models import Base

SERVICE = Service(
    name="events",
    package="services.events",
    settings=Settings,
    metadata=[Base.metadata, chassis.tables.metadata, chassis.mail.metadata],
    spec=Path(__file__).with_name("openapi.yaml"),
    servicers=[
        Servicer(events_pb2.DESCRIPTOR.services_by_name["Events"], add_EventsServicer_to_server, EventsServicer())
    ],
    consumers=[consumers],
    jobs=[jobs, chassis.mail],
    prepare=start.prepare,
)
