"""The fixtures of this service: the real database, the real app, a folder of this run for files and mails."""

import atexit
import base64
import shutil
import tempfile

from chassis.testing import service_fixtures
from services.tickets.main import SERVICE

FOLDER = tempfile.mkdtemp(prefix="stagedoor-tickets-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
ENVIRONMENT = {
    "TICKET_SIGNING_KEYS": "t1:" + base64.b64encode(bytes(range(32))).decode(),
    "STORAGE_URL": f"file://{FOLDER}/files",
    "MAIL_URL": f"file://{FOLDER}/mail",
}
globals().update(service_fixtures(SERVICE, ENVIRONMENT))
