"""Functions that Connexion can call: it passes exactly the path parameters, and what the signature names besides."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def operation(*names: str) -> Callable[[F], F]:
    """Marks a method as an operation target that wants these besides the path parameters.

    Connexion reads signatures: without this, ``**path`` would also attract every query parameter.
    """
    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in ("self", *names)
    ]

    def mark(method: F) -> F:
        method.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return method

    return mark


class Operation:
    """A function as an operation target, made where it is declared."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.__name__ = name
        self.__signature__ = inspect.Signature(
            [inspect.Parameter("token_info", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)]
        )
        self._function = function

    def __call__(self, token_info: Any = None, **path: Any) -> Any:
        return self._function(path_value(path), token_info)


def path_value(path: dict[str, Any]) -> str:
    """The path parameter that names the resource: the last one, empty when there is none."""
    return str(list(path.values())[-1]) if path else ""
