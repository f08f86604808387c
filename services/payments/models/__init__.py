"""The tables of payments."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from chassis import db


class Base(db.Base, DeclarativeBase):
    """Every table of this service."""

    __abstract__ = True
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
