"""A process takes traffic only once it hears every broadcast: until then an ended session could be used here."""

import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from chassis import auth, db, readiness, run
from chassis.broker import Broker
from chassis.listening import Listening


class Silent:
    """A broker that lets nobody listen until the test opens it."""

    def __init__(self) -> None:
        self.is_open = threading.Event()

    def listen(self, hear: object, *, stop: threading.Event, ready: threading.Event) -> None:
        self.is_open.wait(10)
        ready.set()
        stop.wait(10)


def test_a_process_is_ready_once_it_hears_broadcasts_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []

    def server(app: Any, *_: Any, **__: Any) -> Any:
        served.append(app)
        return SimpleNamespace(run=lambda: None)

    monkeypatch.setattr("chassis.run.serving.server", server)
    monkeypatch.setattr(db, "is_reachable", lambda: True)
    monkeypatch.setattr(auth, "keyring", lambda: SimpleNamespace(try_refresh=lambda: True))
    broker = Silent()
    listening = Listening(cast(Broker, broker), [])
    settings: Any = SimpleNamespace(metrics_address="127.0.0.1:0", http_address="")
    run._serve_http(cast(Any, None), settings, ["worker"], listening)
    client = TestClient(served[0])

    listening.start()
    before = client.get("/readyz")
    assert (before.status_code, before.json()["checks"]["broadcasts"]) == (503, False)
    broker.is_open.set()
    assert listening._ready.wait(10)
    time.sleep(readiness.NOT_READY_SECONDS)  # so long the first answer counts
    assert client.get("/readyz").status_code == 200
    listening.stop()
