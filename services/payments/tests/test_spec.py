"""Every operation answers as the specification says."""

from chassis.testing_spec import spec_tests
from services.payments.main import SERVICE

globals().update(spec_tests(SERVICE))
