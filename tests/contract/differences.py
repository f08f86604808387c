"""Where ours differs on purpose (differences.yaml): read here, explained in docs/compatibility.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from tests.contract.documented import Transaction

FILE = Path(__file__).with_name("differences.yaml")


@dataclass(frozen=True)
class Difference:
    """One deliberate difference: calls that ours does not have, or parts of an answer that it does not show so."""

    key: str
    absent: Mapping[str, int]
    shown: Mapping[str, frozenset[str]]
    partial: frozenset[str]

    def expected_of(self, documented: Transaction) -> frozenset[str]:
        """The parts of this transaction's answer that differ."""
        names = {documented.call, documented.resource.type if documented.resource else ""}
        return frozenset().union(*(parts for name, parts in self.shown.items() if name in names))


@cache
def differences() -> tuple[Difference, ...]:
    """All of them."""
    document = yaml.safe_load(FILE.read_text(encoding="utf-8")) or {}
    return tuple(
        Difference(
            key,
            each.get("absent", {}),
            {name: frozenset(parts) for name, parts in each.get("shown", {}).items()},
            frozenset(each.get("partial", ())),
        )
        for key, each in document.items()
    )


def expected_of(documented: Transaction) -> frozenset[str]:
    """All parts of this transaction's answer that differ on purpose."""
    return frozenset().union(*(each.expected_of(documented) for each in differences()))


def is_partial(documented: Transaction) -> bool:
    """Whether this answer shows some of what is documented, and where all of it is."""
    return any(documented.call in each.partial for each in differences())


def is_tried(documented: Transaction) -> bool:
    """Whether ours has this call."""
    return not any(documented.call in each.absent for each in differences())
