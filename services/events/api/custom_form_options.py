"""Choices of a field."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from chassis.auth import Claims
from chassis.errors import Unprocessable
from chassis.jsonapi import Resource
from services.events import queries
from services.events.api.of_event import SPEC
from services.events.models import CustomForm, CustomFormOption


def _visible(claims: Claims | None) -> Any:
    shown = queries.of_visible_events(CustomForm)(claims)
    return (
        shown
        if shown is True
        else CustomFormOption.custom_form_id.in_(queries.alone(select(CustomForm.id).where(shown)))
    )


def _may(db: Session, claims: Claims, row: CustomFormOption) -> None:
    if row.custom_form_id is None:
        raise Unprocessable(
            "A choice belongs to a field.",
            code="custom-form-missing",
            source={"pointer": "/data/relationships/custom-form"},
        )
    form = db.get_one(CustomForm, row.custom_form_id)
    queries.require(db, claims, form.event_id, "coorganizer")


def _before_update(_db: Session, _claims: Claims, _row: Any, _values: dict[str, Any], related: dict[str, Any]) -> None:
    related.clear()


custom_form_options = Resource(
    "custom-form-option",
    CustomFormOption,
    spec=SPEC,
    visible=_visible,
    before_update=_before_update,
    may_create=_may,
    may_change=_may,
)

create_custom_form_option, get_custom_form_option = custom_form_options.create, custom_form_options.fetch
update_custom_form_option, delete_custom_form_option = custom_form_options.update, custom_form_options.delete
get_custom_form_of_custom_form_option = custom_form_options.fetch_related("custom-form")
