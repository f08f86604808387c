"""What attendees, speakers and proposers of sessions are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.events.models.base import Base, Json, Key, Long, OfOffer, SoftlyDeleted

if TYPE_CHECKING:
    from services.events.models.events import Event


class CustomForm(OfOffer, Base):
    """One field of a form."""

    __tablename__ = "custom_forms"
    __table_args__ = (
        Index(
            "uq_custom_forms_field",
            "event_id",
            "form",
            "field_identifier",
            text("coalesce(form_id, '')"),
            unique=True,
        ),
        CheckConstraint("form IN ('attendee', 'session', 'speaker')", name="form"),
    )

    id: Mapped[Key]
    field_identifier: Mapped[str]
    form: Mapped[str] = mapped_column(String(16))
    type: Mapped[str] = mapped_column(String(16), default="text")
    name: Mapped[str | None]
    description: Mapped[Long | None]
    is_required: Mapped[bool] = mapped_column(default=False)
    is_included: Mapped[bool] = mapped_column(default=False)
    is_public: Mapped[bool] = mapped_column(default=False)
    is_complex: Mapped[bool] = mapped_column(default=False)
    is_fixed: Mapped[bool] = mapped_column(default=False)
    is_allow_edit: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int | None] = mapped_column(default=0)
    form_id: Mapped[str | None]
    min: Mapped[int | None] = mapped_column(default=0)
    max: Mapped[int | None] = mapped_column(default=10)
    main_language: Mapped[str | None] = mapped_column(String(16))
    translations: Mapped[Json | None]

    event: Mapped[Event] = relationship(lazy="raise", back_populates="custom_forms")
    custom_form_options: Mapped[list[CustomFormOption]] = relationship(
        lazy="raise", back_populates="custom_form", viewonly=True
    )


class CustomFormOption(SoftlyDeleted, Base):
    """A choice of a field."""

    __tablename__ = "custom_form_options"

    id: Mapped[Key]
    value: Mapped[str]
    custom_form_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("custom_forms.id", ondelete="CASCADE"), index=True
    )

    custom_form: Mapped[CustomForm] = relationship(lazy="raise", back_populates="custom_form_options")
