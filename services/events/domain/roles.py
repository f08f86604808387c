"""The roles that people hold in an event, and what each of them may do."""

from collections.abc import Collection

OWNER, ORGANIZER, COORGANIZER, TRACK_ORGANIZER, MODERATOR, REGISTRAR, ATTENDEE = range(1, 8)

NAMES = {
    OWNER: "owner",
    ORGANIZER: "organizer",
    COORGANIZER: "coorganizer",
    TRACK_ORGANIZER: "track_organizer",
    MODERATOR: "moderator",
    REGISTRAR: "registrar",
    ATTENDEE: "attendee",
}
TITLES = {
    OWNER: "Owner",
    ORGANIZER: "Organizer",
    COORGANIZER: "Co-organizer",
    TRACK_ORGANIZER: "Track organizer",
    MODERATOR: "Moderator",
    REGISTRAR: "Registrar",
    ATTENDEE: "Attendee",
}
IDS = {name: key for key, name in NAMES.items()}

_OWNERS = frozenset({OWNER})
_ORGANIZERS = _OWNERS | {ORGANIZER}
_COORGANIZERS = _ORGANIZERS | {COORGANIZER}

# Which roles pass a check: each higher one includes the lower, and everyone who runs the event passes the special ones.
PASSING = {
    "owner": _OWNERS,
    "organizer": _ORGANIZERS,
    "coorganizer": _COORGANIZERS,
    "track-organizer": _COORGANIZERS | {TRACK_ORGANIZER},
    "moderator": _COORGANIZERS | {MODERATOR},
    "registrar": _COORGANIZERS | {REGISTRAR},
    "team": _COORGANIZERS | {TRACK_ORGANIZER, MODERATOR, REGISTRAR},
}


def passes(check: str, role_ids: Collection[int]) -> bool:
    """Whether someone with these roles passes the check."""
    return not PASSING[check].isdisjoint(role_ids)
