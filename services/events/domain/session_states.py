"""The life of a session: who may move it from which state to which."""

from chassis.errors import Forbidden

STATES = ("draft", "pending", "accepted", "confirmed", "rejected", "canceled", "withdrawn")
PUBLIC = frozenset({"accepted", "confirmed"})

ORGANIZER: dict[str, frozenset[str]] = {
    "draft": frozenset(),
    "pending": frozenset({"withdrawn", "accepted", "rejected", "confirmed"}),
    "accepted": frozenset({"pending", "withdrawn", "rejected", "confirmed", "canceled"}),
    "confirmed": frozenset({"pending", "withdrawn", "accepted", "rejected", "canceled"}),
    "rejected": frozenset({"pending", "withdrawn", "accepted", "confirmed"}),
    "canceled": frozenset({"pending", "withdrawn", "accepted", "rejected", "confirmed"}),
    "withdrawn": frozenset({"pending", "withdrawn", "accepted", "rejected", "canceled"}),
}
SPEAKER: dict[str, frozenset[str]] = {
    "draft": frozenset({"pending"}),
    "pending": frozenset({"withdrawn"}),
    "accepted": frozenset({"withdrawn"}),
    "confirmed": frozenset({"withdrawn"}),
    "rejected": frozenset({"withdrawn"}),
    "canceled": frozenset({"withdrawn"}),
    "withdrawn": frozenset(),
}


class SessionStateForbidden(Forbidden):
    code = "session-state-forbidden"


def check_move(before: str, after: str, *, runs_event: bool) -> None:
    """Raises SessionStateForbidden (403) when this person may not move a session so. Staying is always allowed."""
    table = ORGANIZER if runs_event else SPEAKER
    allowed = table[before]
    if runs_event and before == "draft":
        allowed = SPEAKER[before]  # an organizer's own draft is handed in like any other
    if before != after and after not in allowed:
        possible = ", ".join(sorted(allowed)) or "nothing else"
        raise SessionStateForbidden(
            f"A session that is {before} cannot become {after}; possible: {possible}.",
            source={"pointer": "/data/attributes/state"},
            meta={"state": before, "possible": sorted(allowed)},
        )


def as_document() -> dict[str, dict[str, dict[str, bool]]]:
    """The table as clients read it: who → from → to."""
    return {
        who: {before: dict.fromkeys(sorted(after), True) for before, after in table.items()}
        for who, table in (("organizer", ORGANIZER), ("speaker", SPEAKER))
    }
