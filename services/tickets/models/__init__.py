"""The tables of tickets, one module per aggregate."""

from services.tickets.models.base import Base
from services.tickets.models.issued import DoomedFile, Order, Ticket
from services.tickets.models.replicas import Event, EventRole, Fill, User
from services.tickets.models.scans import Scan

__all__ = ["Base", "DoomedFile", "Event", "EventRole", "Fill", "Order", "Scan", "Ticket", "User"]
