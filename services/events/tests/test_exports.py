"""The programme as CSV: started by those who run the event, opened by its path, harmless in a spreadsheet."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from chassis import clock
from services.events.tests.conftest import Making, code_of, made
from services.events.tests.test_team import join

GATEWAY = "http://127.0.0.1:8080"


def download(making: Making, event: dict[str, Any], kind: str) -> list[dict[str, str]]:
    path = f"/v1/events/{event['attributes']['identifier']}/export/{kind}/csv"
    task = making.owner.post(path, headers={"Content-Type": "application/vnd.api+json"}).json()["task_url"]
    state = making.anyone.get(task).json()
    assert state["state"] == "SUCCESS"
    url = state["result"]["download_url"]
    assert url.startswith(f"{GATEWAY}/v1/programme-exports/")
    file = making.anyone.get(url.removeprefix(GATEWAY))
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(file.text)))


@pytest.fixture
def event(making: Making) -> dict[str, Any]:
    """An event with a talk in a track, by somebody with a name like a formula; and another event's talk."""
    event = making.event()
    track = made(making.child("tracks", "track", event, name="Main", color="#336699"))
    speaker = made(making.child("speakers", "speaker", event, name="=cmd()", email="ann@example.com", mobile="+49 40"))
    related = {
        "track": {"data": {"type": "track", "id": track["id"]}},
        "speakers": {"data": [{"type": "speaker", "id": speaker["id"]}]},
    }
    made(making.child("sessions", "session", event, title="Tickets", state="accepted", related=related))
    made(making.child("sessions", "session", making.event(), title="Elsewhere"))
    return event


def test_sessions_with_their_names(making: Making, event: dict[str, Any]) -> None:
    [row] = download(making, event, "sessions")
    assert (row["title"], row["state"], row["track"], row["room"]) == ("Tickets", "accepted", "Main", "")
    assert row["speakers"] == "'=cmd()"


def test_speakers_with_their_sessions(making: Making, event: dict[str, Any]) -> None:
    [row] = download(making, event, "speakers")
    assert (row["name"], row["email"], row["mobile"], row["sessions"]) == (
        "'=cmd()",
        "ann@example.com",
        "'+49 40",
        "Tickets",
    )


@pytest.mark.parametrize("kind", ["sessions", "speakers"])
def test_who_does_not_run_the_event_starts_none(making: Making, db: Session, event: dict[str, Any], kind: str) -> None:
    path = f"/v1/events/{event['id']}/export/{kind}/csv"
    assert making.anyone.post(path).status_code == 401
    assert making.stranger.post(path).status_code == 403
    join(making, db, event, "track_organizer")
    assert code_of(making.stranger.post(path)) == (403, "event-role-required")
    draft = making.event(state="draft")
    assert making.admin.post(f"/v1/events/{draft['id']}/export/{kind}/csv").status_code == 200
    assert making.stranger.post(f"/v1/events/{draft['id']}/export/{kind}/csv").status_code == 404


def test_a_path_is_neither_guessed_nor_kept(making: Making, event: dict[str, Any]) -> None:
    task = making.owner.post(f"/v1/events/{event['id']}/export/sessions/csv").json()["task_url"]
    assert making.anyone.get(task[:-1] + ("0" if task[-1] != "0" else "1")).status_code == 404
    assert making.anyone.get(f"{task}/speakers.csv").status_code == 404
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        assert code_of(making.anyone.get(f"{task}/sessions.csv")) == (404, "export-over")
