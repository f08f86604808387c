"""What all tables of this service share."""

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

import chassis.db

Big = Annotated[int, mapped_column(BigInteger)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Word = Annotated[str, mapped_column(String(64))]
Text = Annotated[str, mapped_column(String(1000))]
Address = Annotated[str, mapped_column(String(320))]


class Base(chassis.db.Base, DeclarativeBase):
    """The tables of tickets."""

    __abstract__ = True
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
