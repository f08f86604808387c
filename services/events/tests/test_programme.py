"""Sessions, speakers, calls and everything around them."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chassis import clock
from chassis import db as database
from chassis.testing import Client
from proto.events.events_pb2 import EventChanged
from services.events import programme
from services.events.domain import session_states
from services.events.domain.colors import readable_on
from services.events.tests.conftest import NOW, START, STRANGER, Making, Published, code_of, made, patch, text, to


def call(making: Making, event: dict[str, Any], **attributes: Any) -> Any:
    """A call that is open now."""
    given = {"starts_at": text(NOW - timedelta(days=1)), "ends_at": text(NOW + timedelta(days=1)), **attributes}
    return making.child("speakers-calls", "speakers-call", event, **given)


def propose(making: Making, event: dict[str, Any], by: Client | None = None, **attributes: Any) -> Any:
    """A proposal of the stranger."""
    return making.child("sessions", "session", event, by=by or making.stranger, **{"title": "Talk", **attributes})


def test_speakers_answer_an_open_call(making: Making) -> None:
    event = making.event()
    assert code_of(propose(making, event)) == (403, "call-closed")
    made(call(making, event))
    session = made(
        propose(making, event, state="confirmed", starts_at=text(START), ends_at=text(START + timedelta(hours=1)))
    )
    assert session["attributes"]["state"] == "pending"
    assert session["attributes"]["starts-at"] is None
    assert session["relationships"]["creator"]["data"]["id"] == str(STRANGER)
    with clock.freeze(NOW + timedelta(days=2)):
        assert code_of(propose(making, event)) == (403, "call-closed")
    assert propose(making, event, by=making.anyone).status_code == 401


def test_there_is_one_call_which_starts_before_it_ends(making: Making) -> None:
    event = making.event()
    assert code_of(call(making, event, ends_at=text(NOW - timedelta(days=2)))) == (422, "dates-invalid")
    made(call(making, event))
    assert code_of(call(making, event)) == (409, "call-exists")
    assert making.anyone.get(f"/v1/events/{event['id']}/speakers-call").status_code == 200
    other = making.event(name="Other")
    assert making.anyone.get(f"/v1/events/{other['id']}/speakers-call").status_code == 404


def test_an_event_without_sessions_takes_no_proposals(making: Making) -> None:
    event = making.event(is_sessions_speakers_enabled=False)
    made(call(making, event))
    assert code_of(propose(making, event)) == (403, "sessions-disabled")


def test_what_the_form_asks_has_to_be_answered(making: Making) -> None:
    event = making.event()
    made(call(making, event))
    for form, identifier, name in (
        ("session", "longAbstract", "Abstract"),
        ("session", "shirt", "Shirt size"),
        ("speaker", "shortBiography", "Biography"),
    ):
        field = {"form": form, "field_identifier": identifier, "name": name, "is_required": True, "is_included": True}
        made(making.child("custom-forms", "custom-form", event, **field))
    answer = propose(making, event)
    assert code_of(answer) == (422, "form-incomplete")
    assert answer.json()["errors"][0]["detail"] == "Please fill in: Abstract, Shirt size."
    made(propose(making, event, state="draft"))
    made(propose(making, event, long_abstract="Long", complex_field_values={"shirt": "M"}))
    speaker = {"name": "Ada", "by": making.stranger}
    assert code_of(making.child("speakers", "speaker", event, **speaker)) == (422, "form-incomplete")
    made(making.child("speakers", "speaker", event, short_biography="Born.", **speaker))


def test_a_draft_is_handed_in_complete(making: Making) -> None:
    event = making.event()
    made(call(making, event))
    draft = made(propose(making, event, state="draft"))
    field = {"form": "session", "field_identifier": "level", "name": "Level", "is_required": True, "is_included": True}
    made(making.child("custom-forms", "custom-form", event, **field))
    path = f"/v1/sessions/{draft['id']}"
    assert code_of(patch(making.stranger, path, "session", draft["id"], state="pending")) == (422, "form-incomplete")
    answer = patch(making.stranger, path, "session", draft["id"], state="pending", level="Beginner")
    assert answer.json()["data"]["attributes"]["state"] == "pending"


def test_a_private_call_is_answered_by_those_who_know_its_hash(making: Making) -> None:
    event = making.event()
    secret = made(call(making, event, privacy="private"))["attributes"]["hash"]
    path = f"/v1/events/{event['id']}/speakers-call"
    asked = [path, f"{path}?hash=", f"{path}?hash=wrong", f"{path}?hash={secret}"]
    assert [making.stranger.get(each).status_code for each in asked] == [404, 404, 404, 200]
    assert "hash" not in making.stranger.get(asked[-1]).json()["data"]["attributes"]
    for kind, told in (("session", {"title": "Talk"}), ("speaker", {"name": "Ada"})):
        for word in ("", "?hash=", "?hash=wrong"):
            answer = making.child(f"{kind}s{word}", kind, event, by=making.stranger, **told)
            assert code_of(answer) == (403, "call-closed"), (kind, word)
        made(making.child(f"{kind}s?hash={secret}", kind, event, by=making.stranger, **told))
    with clock.freeze(NOW + timedelta(days=2)):
        answer = making.child(f"sessions?hash={secret}", "session", event, by=making.stranger, title="Late")
        assert code_of(answer) == (403, "call-closed")


def test_a_private_call_without_a_hash_is_answered_by_nobody(making: Making) -> None:
    event = making.event()
    private = made(call(making, event, privacy="private"))
    patch(making.owner, f"/v1/speakers-calls/{private['id']}", "speakers-call", private["id"], hash=None)
    answer = making.child("sessions?hash=", "session", event, by=making.stranger, title="Talk")
    assert code_of(answer) == (403, "call-closed")


def test_a_draft_is_handed_in_while_the_call_is_open(making: Making) -> None:
    event = making.event()
    made(call(making, event))
    draft = made(propose(making, event, state="draft"))
    path = f"/v1/sessions/{draft['id']}"
    with clock.freeze(NOW + timedelta(days=2)):
        assert patch(making.stranger, path, "session", draft["id"], title="Still a draft").status_code == 200
        assert code_of(patch(making.stranger, path, "session", draft["id"], state="pending")) == (403, "call-closed")
        assert making.stranger.get(path).json()["data"]["attributes"]["state"] == "draft"
        assert patch(making.owner, path, "session", draft["id"], state="pending").status_code == 200


def test_pending_sessions_are_seen_by_their_people_only(making: Making, client: Client) -> None:
    event = making.event()
    made(call(making, event))
    session = made(propose(making, event))
    path = f"/v1/sessions/{session['id']}"
    assert [who.get(path).status_code for who in (making.anyone, client.as_user(55))] == [404, 404]
    assert [who.get(path).status_code for who in (making.stranger, making.owner, making.admin)] == [200, 200, 200]
    assert making.anyone.get(f"/v1/events/{event['id']}/sessions").json()["data"] == []
    assert patch(client.as_user(55), path, "session", session["id"], title="Mine").status_code == 404
    patch(making.owner, path, "session", session["id"], state="accepted")
    assert making.anyone.get(path).status_code == 200
    assert code_of(patch(client.as_user(55), path, "session", session["id"], title="Mine")) == (
        403,
        "event-role-required",
    )


@pytest.mark.parametrize("before", session_states.STATES)
@pytest.mark.parametrize("after", session_states.STATES)
def test_states_move_as_the_table_says(before: str, after: str) -> None:
    for runs_event, table in ((True, session_states.ORGANIZER), (False, session_states.SPEAKER)):
        allowed = before == after or after in table[before] or (before, after) == ("draft", "pending")
        try:
            session_states.check_move(before, after, runs_event=runs_event)
        except session_states.SessionStateForbidden:
            assert not allowed
        else:
            assert allowed


def test_speakers_withdraw_but_do_not_accept_themselves(making: Making) -> None:
    event = making.event()
    made(call(making, event))
    session = made(propose(making, event))
    path = f"/v1/sessions/{session['id']}"
    answer = patch(making.stranger, path, "session", session["id"], state="accepted")
    assert code_of(answer) == (403, "session-state-forbidden")
    assert patch(making.stranger, path, "session", session["id"], state="withdrawn").status_code == 200


def test_a_session_moves_in_time_and_place(making: Making) -> None:
    event = making.event()
    room, other = (
        made(making.child("microlocations", "microlocation", event, name=name)) for name in ("Hall", "Attic")
    )
    first, second = (made(propose(making, event, by=making.owner, title=title, state="accepted")) for title in "AB")

    def move(session: dict[str, Any], place: dict[str, Any], start: int, end: int) -> Any:
        attributes = {"starts-at": text(START + timedelta(hours=start)), "ends-at": text(START + timedelta(hours=end))}
        document = {
            "type": "session",
            "id": session["id"],
            "attributes": attributes,
            "relationships": {"microlocation": to("microlocation", place["id"])},
        }
        return making.owner.patch(f"/v1/sessions/{session['id']}", json={"data": document})

    assert move(first, room, 1, 2).status_code == 200
    assert code_of(move(second, room, 1, 3)) == (409, "room-taken")
    assert move(second, room, 2, 3).status_code == 200
    assert move(second, other, 1, 2).status_code == 200
    assert code_of(move(second, other, 4, 6)) == (422, "session-times-invalid")
    assert code_of(move(second, other, 2, 2)) == (422, "session-times-invalid")
    foreign = made(making.child("microlocations", "microlocation", making.event(name="X"), name="Far"))
    assert code_of(move(second, foreign, 1, 2)) == (422, "another-event")
    assert making.anyone.get(f"/v1/microlocations/{room['id']}/sessions").json()["meta"]["count"] == 1
    assert making.anyone.get(f"/v1/events/{event['id']}/sessions/dates").json() == [
        (START + timedelta(hours=1)).astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%d")
    ]


def test_locked_sessions_are_for_organizers(making: Making) -> None:
    event = making.event()
    made(call(making, event))
    session = made(propose(making, event))
    path = f"/v1/sessions/{session['id']}"
    assert patch(making.owner, path, "session", session["id"], is_locked=True).status_code == 200
    assert code_of(patch(making.stranger, path, "session", session["id"], title="X")) == (403, "session-locked")
    assert code_of(making.stranger.delete(path)) == (403, "session-locked")


def test_speakers_are_themselves_and_shown_when_accepted(making: Making) -> None:
    event = making.event()
    made(call(making, event))
    session = made(propose(making, event))
    related = {"sessions": {"data": [{"type": "session", "id": session["id"]}]}}
    given = {"name": "Ada", "email": "other@example.com", "mobile": "123", "is_featured": True, "by": making.stranger}
    speaker = made(making.child("speakers", "speaker", event, related=related, **given))
    assert speaker["attributes"]["email"] == f"user{STRANGER}@example.com"
    assert not speaker["attributes"]["is-featured"]
    assert code_of(making.child("speakers", "speaker", event, **given)) == (403, "speaker-exists")
    path = f"/v1/speakers/{speaker['id']}"
    assert making.anyone.get(path).status_code == 404
    patch(making.owner, f"/v1/sessions/{session['id']}", "session", session["id"], state="accepted")
    shown = making.anyone.get(path).json()["data"]["attributes"]
    assert shown["name"] == "Ada"
    assert not {"email", "mobile"} & set(shown)
    assert making.anyone.get(f"/v1/sessions/{session['id']}/speakers").json()["meta"]["count"] == 1
    assert patch(making.stranger, path, "speaker", speaker["id"], city="Paris").status_code == 200


def test_nobody_adds_others_as_speakers_or_speaks_in_foreign_sessions(making: Making, client: Client) -> None:
    event = making.event()
    made(call(making, event))
    session = made(propose(making, event))
    related = {"sessions": {"data": [{"type": "session", "id": session["id"]}]}}
    other = client.as_user(55)
    answer = making.child("speakers", "speaker", event, by=other, name="Eve", related=related)
    assert code_of(answer)[0] in (403, 422)
    made(making.child("speakers", "speaker", event, by=other, name="Eve"))


def test_proposals_nobody_answered_are_rejected_after_the_event(making: Making) -> None:
    event = making.event()
    made(call(making, event))
    session = made(propose(making, event))
    with database.transaction() as db:
        assert programme.reject_stale(db, START) == 0
        assert programme.reject_stale(db, START + timedelta(days=2)) == 1
    assert making.stranger.get(f"/v1/sessions/{session['id']}").json()["data"]["attributes"]["state"] == "rejected"


def test_a_speaker_who_was_removed_changes_the_session_no_more(making: Making) -> None:
    event = making.event()
    session = made(propose(making, event, by=making.owner, state="accepted"))
    path = f"/v1/sessions/{session['id']}"
    related = {"sessions": {"data": [{"type": "session", "id": session["id"]}]}}
    address = f"user{STRANGER}@example.com"
    speaker = made(making.child("speakers", "speaker", event, name="S", email=address, related=related))
    assert patch(making.stranger, path, "session", session["id"], title="Mine").status_code == 200
    assert making.owner.delete(f"/v1/speakers/{speaker['id']}").status_code == 200
    refused = patch(making.stranger, path, "session", session["id"], title="Hacked", state="withdrawn")
    assert refused.status_code == 403
    shown = making.owner.get(path).json()["data"]["attributes"]
    assert (shown["title"], shown["state"]) == ("Mine", "accepted")


def test_feedback_is_about_one_thing_and_changed_by_who_gave_it(making: Making) -> None:
    event = making.event()
    session = made(propose(making, event, by=making.owner, state="accepted"))
    document: dict[str, Any] = {
        "type": "feedback",
        "attributes": {"rating": 4},
        "relationships": {"session": to("session", session["id"])},
    }
    feedback = made(making.owner.post("/v1/feedbacks", json={"data": document}))
    shown = making.anyone.get(f"/v1/sessions/{session['id']}").json()["data"]["attributes"]
    assert (shown["average-rating"], shown["rating-count"]) == (4, 1)
    both = {**document, "relationships": {**document["relationships"], "event": to("event", event["id"])}}
    assert code_of(making.owner.post("/v1/feedbacks", json={"data": both})) == (422, "feedback-about-one")
    path = f"/v1/feedbacks/{feedback['id']}"
    assert code_of(patch(making.stranger, path, "feedback", feedback["id"], rating=1)) == (403, "self-required")
    assert patch(making.owner, path, "feedback", feedback["id"], rating=5).status_code == 200
    assert making.owner.delete(path).status_code == 200


def test_sessions_are_rated_by_those_who_run_the_event_and_everything_once_by_each(making: Making) -> None:
    event = making.event()
    sessions = [made(propose(making, event, by=making.owner, title=title, state="accepted")) for title in "AB"]
    hidden = made(propose(making, event, by=making.owner, title="C", state="pending"))

    def rate(by: Client, kind: str, what: dict[str, Any]) -> Any:
        related = {kind: to(kind, what["id"])}
        return by.post(
            "/v1/feedbacks",
            json={"data": {"type": "feedback", "attributes": {"rating": 1}, "relationships": related}},
        )

    assert code_of(rate(making.stranger, "session", sessions[0])) == (403, "event-role-required")
    assert code_of(rate(making.stranger, "session", hidden)) == (422, "related-not-found")
    for each in sessions:
        first = made(rate(making.owner, "session", each))
        assert code_of(rate(making.owner, "session", each)) == (409, "already-rated")
        made(rate(making.admin, "session", each))
        shown = making.anyone.get(f"/v1/sessions/{each['id']}").json()["data"]["attributes"]
        assert (shown["average-rating"], shown["rating-count"]) == (1, 2)
        assert making.owner.delete(f"/v1/feedbacks/{first['id']}").status_code == 200
        made(rate(making.owner, "session", each))
    for who in (making.owner, making.stranger):
        made(rate(who, "event", event))
        assert code_of(rate(who, "event", event)) == (409, "already-rated")
    assert making.anyone.get(f"/v1/events/{event['id']}/feedbacks").json()["meta"]["count"] == 2


def test_statistics_count_by_state(making: Making) -> None:
    event = making.event()
    for state in ("pending", "accepted", "accepted", "draft"):
        made(propose(making, event, by=making.owner, title=state, state=state))
    made(making.child("sponsors", "sponsor", event, name="Bakery"))
    path = f"/v1/events/{event['id']}/general-statistics"
    found = making.owner.get(path).json()["data"]["attributes"]
    assert (found["sessions"], found["sessions-accepted"], found["sessions-submitted"], found["sponsors"]) == (
        4,
        2,
        3,
        1,
    )
    assert making.stranger.get(path).status_code == 403
    assert making.anyone.get(path).status_code == 401


@pytest.mark.parametrize(
    ("path", "kind", "attributes"),
    [
        ("tracks", "track", {"name": "Main", "color": "#336699"}),
        ("session-types", "session-type", {"name": "Talk", "length": "00:30"}),
        ("microlocations", "microlocation", {"name": "Hall", "latitude": 1.5, "floor": 2}),
        ("sponsors", "sponsor", {"name": "Bakery", "level": 1}),
        ("exhibitors", "exhibitor", {"name": "Booth"}),
        ("social-links", "social-link", {"name": "Page", "link": "https://example.com/x"}),
        ("faq-types", "faq-type", {"name": "General"}),
        ("faqs", "faq", {"question": "Where?", "answer": "Here."}),
        ("event-copyrights", "event-copyright", {"licence": "CC BY", "year": 2026}),
        ("ticket-tags", "ticket-tag", {"name": "early"}),
        ("custom-forms", "custom-form", {"form": "attendee", "field_identifier": "company"}),
    ],
)
def test_what_belongs_to_an_event_is_written_by_those_who_run_it(
    making: Making, path: str, kind: str, attributes: dict[str, Any]
) -> None:
    event = making.event()
    assert making.child(path, kind, event, by=making.anyone, **attributes).status_code == 401
    assert code_of(making.child(path, kind, event, by=making.stranger, **attributes)) == (403, "event-role-required")
    row = made(making.child(path, kind, event, **attributes))
    own = f"/v1/{path}/{row['id']}"
    listed = "event-copyright" if kind == "event-copyright" else path
    shown = making.anyone.get(f"/v1/events/{event['attributes']['identifier']}/{listed}").json()["data"]
    assert row["id"] in [each["id"] for each in (shown if isinstance(shown, list) else [shown])]
    assert making.anyone.get(f"{own}/event").json()["data"]["id"] == event["id"]
    assert patch(making.stranger, own, kind, row["id"], **attributes).status_code == 403
    assert patch(making.owner, own, kind, row["id"], **attributes).status_code == 200
    assert making.stranger.delete(own).status_code == 403
    assert making.owner.delete(own).status_code == 200
    assert making.anyone.get(own).status_code == 404


def test_text_on_a_track_can_be_read() -> None:
    assert [readable_on(color) for color in ("#ffff00", "#fff", "#000080", "#000")] == [
        "#000000",
        "#000000",
        "#ffffff",
        "#ffffff",
    ]


def test_a_choice_belongs_to_a_field(making: Making) -> None:
    related = {"custom-form": to("custom-form", None)}
    document = {"type": "custom-form-option", "attributes": {"value": "S"}, "relationships": related}
    answer = making.owner.post("/v1/custom-form-options", json={"data": document})
    assert code_of(answer) == (422, "custom-form-missing")


def test_a_group_begins_with_events_of_its_owner(making: Making, published: Published) -> None:
    def group(by: Client, *events: dict[str, Any]) -> Any:
        related = {"events": {"data": [{"type": "event", "id": each["id"]} for each in events]}}
        document = {"type": "group", "attributes": {"name": "Series"}, "relationships": related}
        return by.post("/v1/groups", json={"data": document})

    def events_of(answer: Any) -> list[str]:
        found = making.owner.get(f"/v1/groups/{made(answer)['id']}/events?sort=id").json()["data"]
        return [each["id"] for each in found]

    first, second, third = (making.event(name=name) for name in ("A", "B", "C"))
    told = len(published(EventChanged))
    assert events_of(group(making.owner, first, second)) == [first["id"], second["id"]]
    assert len(published(EventChanged)) == told + 2
    assert code_of(group(making.stranger, first)) == (403, "owner-required")
    assert code_of(group(making.owner, third, {"id": "9999"})) == (403, "owner-required")
    assert making.anyone.get("/v1/groups").json()["meta"]["count"] == 1
    assert making.owner.get(f"/v1/events/{third['id']}/group").status_code == 404
    assert events_of(group(making.owner)) == []


def test_favourites_and_groups_are_ones_own(making: Making) -> None:
    event = making.event()
    session = made(propose(making, event, by=making.owner, state="accepted"))
    document = {"type": "user-favourite-session", "relationships": {"session": to("session", session["id"])}}
    made(making.stranger.post("/v1/user-favourite-sessions", json={"data": document}))
    assert code_of(making.stranger.post("/v1/user-favourite-sessions", json={"data": document})) == (
        409,
        "already-favourite",
    )
    path = f"/v1/events/{event['id']}/sessions?include=favourite"
    assert len(making.stranger.get(path).json()["included"]) == 1
    assert making.owner.get(path).json()["included"] == []
    group = made(making.owner.post("/v1/groups", json={"data": {"type": "group", "attributes": {"name": "Choir"}}}))
    follow = {"type": "user-follow-group", "relationships": {"group": to("group", group["id"])}}
    made(making.stranger.post("/v1/user-follow-groups", json={"data": follow}))
    assert making.anyone.get(f"/v1/groups/{group['id']}").json()["data"]["attributes"]["follower-count"] == 1
    assert patch(making.stranger, f"/v1/groups/{group['id']}", "group", group["id"], name="Mine").status_code == 403
