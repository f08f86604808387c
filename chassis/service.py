"""What a service is: the table of contents that its `main.py` declares and every process of it is built from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import MetaData

from chassis.auth import FetchKeys
from chassis.config import ServiceSettings
from chassis.rpc import Servicer


@dataclass(frozen=True)
class Service:
    """One bounded context.

    `metadata` holds the service's own tables first, then those of the chassis. `consumers` and `jobs` are modules whose
    marked functions are collected; `prepare` runs once in each process after configuration, with the roles of the process;
    `stop` undoes it. `fetch_keys` is for the service that owns the keys; all others ask it.
    """

    name: str
    package: str
    settings: type[ServiceSettings]
    metadata: Sequence[MetaData]
    spec: Path
    servicers: Sequence[Servicer]
    consumers: Sequence[ModuleType] = ()
    jobs: Sequence[ModuleType] = ()
    prepare: Callable[[Any, Sequence[str]], None] | None = None
    stop: Callable[[], None] | None = None
    fetch_keys: FetchKeys | None = None
