"""Fields of the forms for attendees, speakers and sessions."""

from typing import Any

from sqlalchemy.orm import Session

from chassis.auth import Claims
from services.events.api.events import events
from services.events.api.of_event import of_event
from services.events.domain import forms
from services.events.models import CustomForm

NEVER_NULL = ("form", "type", "field_identifier")


def _prepare(_db: Session, _claims: Claims, row: CustomForm | None, values: dict[str, Any], _related: Any) -> None:
    for name in NEVER_NULL:
        if name in values and values[name] is None:
            del values[name]
    form = values.get("form", row.form if row else "")
    identifier = values.get("field_identifier", row.field_identifier if row else "")
    values["is_complex"] = forms.is_complex(form, identifier)


custom_forms = of_event("custom-form", CustomForm, prepare=_prepare, sort="position,id")

create_custom_form, get_custom_form = custom_forms.create, custom_forms.fetch
update_custom_form, delete_custom_form = custom_forms.update, custom_forms.delete
list_custom_forms_of_event = events.fetch_related("custom-forms")
get_event_of_custom_form = custom_forms.fetch_related("event")
list_custom_form_options_of_custom_form = custom_forms.fetch_related("custom-form-options")
