"""The accounts service: people, logins and the keys that everybody else trusts."""

from pathlib import Path

import chassis.mail
import chassis.tables
from chassis.rpc import Servicer
from chassis.service import Service
from proto.accounts import accounts_pb2
from proto.accounts.accounts_pb2_grpc import add_AccountsServicer_to_server
from services.accounts import consumers, jobs, start
from services.accounts.config import Settings
from services.accounts.grpc_server import AccountsServicer
from services.accounts.models import Base

SERVICE = Service(
    name="accounts",
    package="services.accounts",
    settings=Settings,
    metadata=[Base.metadata, chassis.tables.metadata, chassis.mail.metadata],
    spec=Path(__file__).with_name("openapi.yaml"),
    servicers=[
        Servicer(
            accounts_pb2.DESCRIPTOR.services_by_name["Accounts"], add_AccountsServicer_to_server, AccountsServicer()
        )
    ],
    consumers=[consumers],
    jobs=[jobs, chassis.mail],
    prepare=start.prepare,
    fetch_keys=start.fetch_keys,
)
