"""The chassis is tried with a very small service of its own."""

from chassis.testing import service_fixtures
from chassis.tests.notes.main import SERVICE

globals().update(service_fixtures(SERVICE))
