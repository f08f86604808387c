"""Stripe's form encoding: `metadata[order]=7`, `expand[]=charge`, `payment_method_types[0]=card`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from local.fakes.books import Document

# Every other bracket is a name, also when it looks like a number: metadata[2026] is no list.
LISTS = frozenset({"expand", "allowed_payment_method_types", "payment_method_types", "enabled_events", "types"})


def read_form(encoded: str) -> Document:
    """Values stay strings; what they mean is decided by whoever knows the parameter."""
    form: Document = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        top, _, _ = name.partition("[")
        *parents, leaf = [top, *re.findall(r"\[([^\]]*)\]", name)]
        place: Any = form
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                break  # a=1&a[b]=2: the first one stays
        else:
            place[leaf or str(len(place))] = value
    return {name: list(value.values()) if name in LISTS and value else value for name, value in form.items()}
