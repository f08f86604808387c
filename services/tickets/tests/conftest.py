"""The fixtures of this service: the real database, the real app, a folder of this run for files and mails."""

import base64
import tempfile

from chassis.testing import service_fixtures
from services.tickets.main import SERVICE

FOLDER = tempfile.mkdtemp(prefix="stagedoor-tickets-")
ENVIRONMENT = {
    "TICKET_SIGNING_KEYS": "t1:" + base64.b64encode(bytes(range(32))).decode(),
    "STORAGE_URL": f"file://{FOLDER}/files",
    "MAIL_URL": f"file://{FOLDER}/mail",
}
globals().update(service_fixtures(SERVICE, ENVIRONMENT))
