"""The documented transactions (transactions.yaml), and what an answer lacks of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import requests
import yaml

FILE = Path(__file__).with_name("transactions.yaml")
PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Resource:
    """What a resource of a type shows wherever it appears."""

    type: str
    attributes: Mapping[str, frozenset[str]]
    relationships: frozenset[str]


@dataclass(frozen=True)
class Transaction:
    """One documented request with its answer."""

    group: str
    call: str
    needs_login: bool
    is_older: bool
    type: str | None
    sends: frozenset[str]
    relates: frozenset[str]
    status: int
    resource: Resource | None
    is_list: bool
    members: Mapping[str, frozenset[str]]

    @property
    def method(self) -> str:
        """GET, POST …"""
        return self.call.split()[0]

    @property
    def path(self) -> str:
        """With its parameters in braces."""
        return self.call.split()[1]

    @property
    def parameters(self) -> list[str]:
        """Names in the path."""
        return PARAMETER.findall(self.path)

    @property
    def name(self) -> str:
        """For pytest -k: group and call, with what distinguishes two documents of the same call."""
        return f"{self.group}: {self.call}" + (" (remembered)" if "remember-me" in self.sends else "")


@dataclass(frozen=True)
class Lack:
    """One thing that an answer does not have as documented."""

    what: str
    found: str
    is_absent: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.found}"


@cache
def transactions() -> tuple[Transaction, ...]:
    """All of them, in the file's order."""
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    resources = {
        name: Resource(each.get("type", name), _types(each["attributes"]), frozenset(each["relationships"]))
        for name, each in document["resources"].items()
    }
    return tuple(
        _transaction(group, each, resources) for group, calls in document["transactions"].items() for each in calls
    )


def _transaction(group: str, each: Mapping[str, Any], resources: Mapping[str, Resource]) -> Transaction:
    answers = each["answers"]
    kind = answers.get("one") or answers.get("many")
    return Transaction(
        group=group,
        call=each["call"],
        needs_login=each.get("login", True),
        is_older=each.get("older", False),
        type=each.get("type"),
        sends=frozenset(each.get("sends", ())),
        relates=frozenset(each.get("relates", ())),
        status=each["status"],
        resource=resources[kind] if kind else None,
        is_list="many" in answers,
        members=_types(answers.get("object", {})),
    )


def _types(given: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    return {name: frozenset(types.split(" or ")) for name, types in given.items()}


def lacks(documented: Transaction, answer: requests.Response, item: str | None) -> list[Lack]:
    """What differs: status first, then everything that is documented and not there with its type.

    `item`: which one of a list to look at.
    """
    if answer.status_code != documented.status:
        return [Lack("status", f"{answer.status_code} {answer.text[:300]}")]
    document = answer.json()
    if documented.resource is None:
        return list(_of_members(documented.members, document))
    data = document["data"]
    if documented.is_list:
        found = [each for each in data if each["id"] == item]
        if not found:
            return [Lack("data", f"{item} is not among {[each['id'] for each in data]}")]
        data = found[0]
    return list(_of_resource(documented.resource, data))


def _of_resource(resource: Resource, data: Mapping[str, Any]) -> Iterator[Lack]:
    if data["type"] != resource.type:
        yield Lack("type", data["type"])
    yield from _of_members(resource.attributes, data.get("attributes", {}))
    for name in sorted(resource.relationships):
        links = data.get("relationships", {}).get(name, {}).get("links", {})
        if "related" not in links:
            yield Lack(f"relationship {name}", "has no link", is_absent=True)


def _of_members(documented: Mapping[str, frozenset[str]], found: Mapping[str, Any]) -> Iterator[Lack]:
    for name, types in sorted(documented.items()):
        if name not in found:
            yield Lack(name, "is not there", is_absent=True)
        elif types != {"null"} and not types & _types_of(found[name]):
            yield Lack(name, f"{found[name]!r} is not {' or '.join(sorted(types))}")


def _types_of(value: Any) -> frozenset[str]:
    """JSON Schema's names: 10.0 is an integer too, and an integer a number."""
    if value is None:
        return frozenset({"null"})
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, int | float):
        return frozenset({"number", "integer"} if float(value).is_integer() else {"number"})
    if isinstance(value, str):
        return frozenset({"string"})
    return frozenset({"array" if isinstance(value, list) else "object"})
