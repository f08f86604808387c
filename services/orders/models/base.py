"""The metadata of this service, and the column types that several tables share."""

from datetime import datetime
from typing import Annotated

import sqlalchemy
from sqlalchemy import BigInteger, DateTime, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

from chassis import db

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(db.Base, DeclarativeBase):
    """Tables of orders."""

    __abstract__ = True
    metadata = MetaData(naming_convention=NAMES)


Id = Annotated[int, mapped_column(BigInteger, primary_key=True)]
Big = Annotated[int, mapped_column(BigInteger)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Word = Annotated[str, mapped_column(String(64))]
Text = Annotated[str, mapped_column(String(2000))]
Long = Annotated[str, mapped_column(sqlalchemy.Text)]
