"""The events service: what is in it, and how a process of it starts."""

from collections.abc import Sequence
from pathlib import Path

import chassis.mail
import chassis.tables
from chassis import jsonapi
from chassis.rpc import Servicer
from chassis.service import Service
from proto.events import events_pb2 as pb
from proto.events.events_pb2_grpc import add_EventsServicer_to_server
from services.events import config, consumers, details, jobs, offers
from services.events.config import Settings
from services.events.grpc_server import EventsServicer
from services.events.models import Base


def prepare(settings: Settings, _roles: Sequence[str]) -> None:
    """Once per process: settings, mail, and every resource's declaration checked."""
    from services.events import api

    config.configure(settings)
    chassis.mail.configure(settings.mail_url, settings.mail_from)
    api.load()
    jsonapi.prepare(Base.metadata)
    offers.forget_all()
    details.forget_all()


SERVICE = Service(
    name="events",
    package="services.events",
    settings=Settings,
    metadata=[Base.metadata, chassis.tables.metadata, chassis.mail.metadata],
    spec=Path(__file__).with_name("openapi.yaml"),
    servicers=[
        Servicer(pb.DESCRIPTOR.services_by_name["Events"], add_EventsServicer_to_server, EventsServicer()),
    ],
    consumers=[consumers],
    jobs=[jobs, chassis.mail],
    prepare=prepare,
)
