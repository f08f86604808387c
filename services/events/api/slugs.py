"""Names that also make an address."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import Conflict
from services.events.domain.identifiers import slug


def slugged(model: Any) -> dict[str, Any]:
    """Hooks of a type whose slug follows from its name. Raises Conflict (409) for a name that is taken."""

    def prepare(db: Session, values: dict[str, Any], row: Any = None) -> None:
        if values.get("name") is None:
            values.pop("name", None)
            return
        values["name"] = values["name"].strip()
        values["slug"] = slug(values["name"])
        same = select(model.id).where(model.slug == values["slug"])
        if row is not None:
            same = same.where(model.id != row.id)
        if "event_topic_id" not in model.__table__.c and db.scalars(same).first() is not None:
            raise Conflict(
                f"There is “{values['name']}” already.", code="name-taken", source={"pointer": "/data/attributes/name"}
            )

    def before_create(db: Session, _claims: Claims, values: dict[str, Any], _related: dict[str, Any]) -> None:
        prepare(db, values)

    def before_update(db: Session, _claims: Claims, row: Any, values: dict[str, Any], _related: dict[str, Any]) -> None:
        prepare(db, values, row)

    return {"before_create": before_create, "before_update": before_update}
