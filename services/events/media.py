"""Pictures that were uploaded here: kept under an address of ours, and copied with what shows them."""

import secrets
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from services.events import config
from services.events.domain.pictures import ENDINGS
from services.events.models import Medium

PATH = "/v1/media/"


def keep(db: Session, user_id: int, content_type: str, data: bytes) -> str:
    """Keeps a picture; its address."""
    medium = Medium(name=_new_name(content_type), content_type=content_type, data=data, owner_id=user_id)
    db.add(medium)
    db.flush()
    return _prefix() + medium.name


def copy_pictures(db: Session, row: Any) -> None:
    """Gives a copied row pictures of its own. Addresses elsewhere stay as they are."""
    for column in inspect(type(row)).columns:
        address = getattr(row, column.key)
        if not (column.key.endswith("_url") and isinstance(address, str) and address.startswith(_prefix())):
            continue
        found = db.scalars(select(Medium).where(Medium.name == address.removeprefix(_prefix()))).first()
        if found is not None:
            setattr(row, column.key, keep(db, found.owner_id, found.content_type, found.data))


def _prefix() -> str:
    return config.current().public_url + PATH


def _new_name(content_type: str) -> str:
    return f"{secrets.token_hex(16)}.{ENDINGS[content_type]}"
