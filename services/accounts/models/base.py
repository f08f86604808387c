"""The declarative base of accounts, with a MetaData of its own."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

import chassis.db

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(chassis.db.Base, DeclarativeBase):
    """All tables of accounts."""

    __abstract__ = True
    metadata = MetaData(naming_convention=NAMES)
