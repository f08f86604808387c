"""Every operation of a service's specification, tried with generated requests against the running app.

A service's `tests/test_spec.py` says ``globals().update(spec_tests(SERVICE))``. Each operation is called as nobody, as a
user and as a super admin, with requests that follow the specification and some that do not; the answer must be a
documented status with a documented media type and a body as its schema says, and never a failure of ours (503 counts as
documented where it is). What the rules are is not tested here.

Ids that exist make the examples reach further: ``known={"user_id": "1"}`` lends one to path parameters of that name in
every other request, and the fixture `arranged` (override it in the module) creates it; bodies of these requests get the
right type and id, too. Overriding the fixture `callers` gives other tokens.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import openapi as schemathesis_openapi
from schemathesis.generation import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chassis import spec
from chassis.responses import JSON_API
from chassis.service import Service
from chassis.testing import sign

Call = Callable[[Any], None]  # of a schemathesis.Case, one generated request
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
NO_REMINDERS = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture)


def spec_tests(
    service: Service,
    *,
    examples: int = 10,
    known: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
) -> dict[str, Any]:
    """A parametrized test over all operations, with its fixtures. `without`: operationIds (their ends) that are left out."""
    document = spec.load(service.spec)
    schema = schemathesis_openapi.from_dict(document)
    labels = [
        f"{method.upper()} {path}"
        for method, path, operation in spec.operations(document)
        if not operation["operationId"].endswith(tuple(without) or ("\0",))
    ]

    @pytest.fixture
    def callers() -> dict[str, dict[str, str]]:
        """Who calls: the headers of each."""
        return {
            "nobody": {},
            "user": {"Authorization": f"Bearer {sign(1)}"},
            "super admin": {"Authorization": f"JWT {sign(2, role='super-admin')}"},
        }

    @pytest.fixture
    def arranged() -> None:
        """What exists before the requests come."""

    @pytest.mark.usefixtures("arranged")
    @pytest.mark.parametrize("label", labels)
    def test_answers_as_the_specification_says(label: str, app: Any, callers: dict[str, dict[str, str]]) -> None:
        method, _, path = label.partition(" ")
        operation = schema[path][method]
        lend = _lender(document, document["paths"][path][method.lower()], known or {})
        with asgi.get_client(app) as client:
            _exercise(operation, examples, lend, partial(_call, app, client, callers))

    return {
        "callers": callers,
        "arranged": arranged,
        "test_answers_as_the_specification_says": test_answers_as_the_specification_says,
    }


def _lender(document: Mapping[str, Any], operation: Mapping[str, Any], known: Mapping[str, str]) -> Call:
    """Makes a generated request more like one that means something."""
    content = spec.resolved(document, operation.get("requestBody", {})).get("content", {}).get(JSON_API, {})
    data = spec.resolved(document, content.get("schema", {})).get("properties", {}).get("data", {})
    resource_type = data.get("$ref", "").rpartition("/")[2]

    def lend(case: Any) -> None:
        for name in {*known} & {*(case.path_parameters or {})}:
            case.path_parameters[name] = known[name]
        if resource_type and isinstance(case.body, dict) and isinstance(case.body.get("data"), dict):
            case.body["data"]["type"] = resource_type
            if case.method == "PATCH" and case.path_parameters:
                case.body["data"]["id"] = str(list(case.path_parameters.values())[-1])
            else:
                case.body["data"].pop("id", None)

    return lend


def _exercise(operation: Any, examples: int, lend: Call, call: Call) -> None:
    """`examples` requests, the same ones in every run: what fails today failed for a reason."""
    for mode, share in ((GenerationMode.POSITIVE, examples - examples // 3), (GenerationMode.NEGATIVE, examples // 3)):
        try:
            _attempts(operation.as_strategy(generation_mode=mode), max(share, 1), lend, call)()
        except Unsatisfiable:
            if mode is GenerationMode.POSITIVE:
                raise


def _attempts(cases: SearchStrategy[Any], count: int, lend: Call, call: Call) -> Callable[[], None]:
    turns = itertools.count()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=NO_REMINDERS,
        verbosity=Verbosity.quiet,
    )
    @given(case=cases)
    def attempt(case: Any) -> None:
        if next(turns) % 2 == 0:
            lend(case)
        call(case)

    return attempt


def _call(app: Any, client: Any, callers: Mapping[str, Mapping[str, str]], case: Any) -> None:
    """The same request by each caller, the lowest first; making a request up costs more than answering it."""
    case.headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
    for who, headers in callers.items():
        response = case.call(session=client, app=app, headers=dict(headers))
        assert response.status_code < 500 or response.status_code == 503, (  # noqa: S101 (this is a test)
            f"{case.method} {case.formatted_path} by {who} answered {response.status_code}: {response.text[:500]}\n"
            f"{case.as_curl_command()}"
        )
        case.validate_response(response, checks=CHECKS)
