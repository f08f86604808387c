"""The tables that the chassis keeps in every service's database. Each service's first migration creates them."""

from sqlalchemy import MetaData

metadata = MetaData()
