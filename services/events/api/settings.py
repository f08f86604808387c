"""Settings of the platform: one record; who is asking decides how much of it shows (see x-visible-to in the spec).

A few settings have a column because they take effect here; the others are kept for clients as they are. Secrets are not
kept at all: they come from the environment of the service that needs them.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.jsonapi import Resource
from chassis.jsonapi.declared import declaration
from services.events import config
from services.events.api.of_event import SPEC
from services.events.api.only_one import OnlyOne
from services.events.models import Setting

COLUMNS = frozenset({"app_name", "tagline", "order_expiry_time"})
DEFAULTS: dict[str, Any] = {
    "max_complex_custom_fields": 30,
    "logo_size": 750,  # kB, see api/media.py
    "image_size": 750,
    "slide_size": 20000,
    "start_pg_enabled": "default",
    "app_environment": "production",
    "invoice_sending_day": 1,
    "invoice_sending_timezone": "UTC",
    "is_google_recaptcha_enabled": False,
}
_declared = declaration(SPEC, "setting").attributes
_others = {key: part for key, part in _declared.items() if key not in COLUMNS}


def _reader(key: str) -> Callable[[Setting], Any]:
    if key.endswith("-activated") or key.endswith("_activated"):
        provider = key.removeprefix("is_").removesuffix("_activated")
        return lambda _: provider in config.current().providers.split(",")
    if key == "frontend_url":
        return lambda row: row.others.get(key) or config.current().frontend_url
    return lambda row: row.others.get(key, DEFAULTS.get(key))


def _before_update(_db: Session, _claims: Claims, row: Setting, values: dict[str, Any], _related: Any) -> None:
    kept = dict(row.others)
    for key in [key for key in values if key in _others]:
        value = values.pop(key)
        if value is None and (key in DEFAULTS):
            kept.pop(key, None)
        else:
            kept[key] = value
    if values.get("order_expiry_time", 1) is None:
        del values["order_expiry_time"]
    row.others = kept
    row.version += 1


settings = Resource(
    "setting",
    Setting,
    spec=SPEC,
    computed={part.name: _reader(key) for key, part in _others.items()},
    before_update=_before_update,
)
_one = OnlyOne(settings)
get_settings, get_setting = _one.get, _one.get_any
update_settings, update_setting = _one.update, _one.update_any
