"""The drill: everything is lost but the backup and the secrets, and the buyer still has the ticket."""

import os
import subprocess
from pathlib import Path

from tests.e2e.system import ROOT, ComposeSystem
from tests.journey.stage import Stage, text_of_pdf


def run(system: ComposeSystem, script: str, folder: Path) -> str:
    environment = os.environ | {
        "COMPOSE": " ".join(map(str, system.compose.compose_command_property)),
        "SECRETS_FOLDER": str(system.secrets),
        "STAY_DOWN": "1",  # what is thrown away next need not come up first
    }
    command = [ROOT / "deploy/compose" / script, folder]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_was_sold_is_there_after_everything_was_lost(system: ComposeSystem, stage: Stage, tmp_path: Path) -> None:
    event = stage.on_sale({"Seat": {"type": "paid", "price": 20, "quantity": 10}})
    buyer = stage.person("bea")
    order = stage.paid_order(buyer, event, Seat=2)
    attendees = stage.has_pdfs(buyer, order)
    assert "secrets" in run(system, "backup.sh", tmp_path / "kept")
    system.remove()

    run(system, "restore.sh", tmp_path / "kept")

    assert stage.status(buyer, order) == "completed"
    pdf = buyer.send("GET", f"/v1/orders/attendees/{attendees[0]['id']}.pdf")
    assert "Guest0" in text_of_pdf(pdf.content)
    left = stage.nobody.send("GET", f"/v1/events/{event.identifier}/tickets/availability").json()
    assert left[0]["available"] == 8
    another = stage.person()
    stage.has_pdfs(another, stage.paid_order(another, event))
