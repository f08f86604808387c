"""What attendees, speakers and proposers of sessions are asked, and whether they answered."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chassis.errors import Unprocessable

# Attributes of an attendee that a form can ask for; any other field is a complex one, kept in complex-field-values.
OF_ATTENDEES = frozenset(
    {
        "firstname",
        "lastname",
        "email",
        "address",
        "city",
        "state",
        "country",
        "job_title",
        "phone",
        "company",
        "tax_business_info",
        "billing_address",
        "home_address",
        "shipping_address",
        "work_address",
        "work_phone",
        "website",
        "blog",
        "twitter",
        "facebook",
        "github",
        "instagram",
        "linkedin",
        "gender",
        "age_group",
        "birth_date",
        "accept_video_recording",
        "accept_share_details",
        "accept_receive_emails",
        "native_language",
        "fluent_language",
        "home_wiki",
        "wiki_scholarship",
        "is_consent_form_field",
        "is_consent_form_field_photo",
        "is_consent_form_field_email",
    }
)
OF_SESSIONS = frozenset(
    {
        "title",
        "subtitle",
        "level",
        "short_abstract",
        "long_abstract",
        "comments",
        "language",
        "slides",
        "slides_url",
        "video_url",
        "audio_url",
        "track",
        "session_type",
        "website",
        "twitter",
        "facebook",
        "github",
        "linkedin",
        "instagram",
        "gitlab",
        "mastodon",
        "signup_url",
    }
)
OF_SPEAKERS = frozenset(
    {
        "name",
        "email",
        "photo_url",
        "short_biography",
        "long_biography",
        "speaking_experience",
        "mobile",
        "website",
        "twitter",
        "facebook",
        "github",
        "mastodon",
        "linkedin",
        "instagram",
        "organisation",
        "position",
        "country",
        "city",
        "address",
        "gender",
        "heard_from",
        "sponsorship_required",
    }
)
KNOWN: Mapping[str, frozenset[str]] = {"attendee": OF_ATTENDEES, "session": OF_SESSIONS, "speaker": OF_SPEAKERS}
_ALIASES = {"first_name": "firstname", "last_name": "lastname", "slides_u_r_l": "slides_url"}


@dataclass(frozen=True)
class Field:
    """One question that has to be answered."""

    identifier: str
    name: str
    is_complex: bool


def key(identifier: str) -> str:
    """A field as attributes are called in Python: jobTitle and job-title are job_title."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier).replace("-", "_").lower()
    return _ALIASES.get(snake, snake)


def is_complex(form: str, identifier: str) -> bool:
    """Whether the answer has no attribute of its own."""
    return key(identifier) not in KNOWN[form]


def first_fields() -> list[dict[str, Any]]:
    """What a new event asks its attendees."""
    fields = (("firstname", "First name", "text"), ("lastname", "Last name", "text"), ("email", "Email", "email"))
    return [
        {
            "form": "attendee",
            "field_identifier": identifier,
            "name": name,
            "type": kind,
            "is_required": True,
            "is_included": True,
            "is_fixed": True,
            "position": position,
        }
        for position, (identifier, name, kind) in enumerate(fields)
    ]


def check_answers(required: Iterable[Field], answers: Mapping[str, Any], complex_answers: Mapping[str, Any]) -> None:
    """Raises Unprocessable (422, `form-incomplete`) that lists what is missing."""
    missing = [
        field
        for field in required
        if _is_empty(complex_answers.get(field.identifier) if field.is_complex else answers.get(key(field.identifier)))
    ]
    if missing:
        names = ", ".join(field.name for field in missing)
        raise Unprocessable(
            f"Please fill in: {names}.",
            code="form-incomplete",
            source={"pointer": "/data/attributes"},
            meta={"missing": [field.identifier for field in missing]},
        )


def _is_empty(answer: Any) -> bool:
    return answer is None or (isinstance(answer, str) and not answer.strip()) or answer == []
