"""A relayed link works, and fails in the three ways in which it can be cut."""

import socket
import threading
from collections.abc import Iterator

import pytest

from chaos.relay import Cut, Relays

LINK = ("orders", "echo")


class Echo:
    """Answers everything with itself, after its name; remembers what arrived."""

    def __init__(self, name: bytes = b"") -> None:
        self.name = name
        self.heard: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            while data := connection.recv(1000):
                self.heard.append(data)
                connection.sendall(self.name + data)
        except OSError:  # reset: the cut that is tried
            connection.close()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def relays() -> Iterator[Relays]:
    with Relays() as made:
        yield made


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


def connect(relays: Relays, echo: Echo) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relays.route(*LINK, echo.port)), timeout=2)


def ask(connection: socket.socket, question: bytes, *, within_seconds: float = 2) -> bytes:
    connection.settimeout(within_seconds)
    connection.sendall(question)
    return connection.recv(1000)


def test_a_link_passes_questions_and_answers_on(relays: Relays, echo: Echo) -> None:
    with connect(relays, echo) as connection:
        assert ask(connection, b"one") == b"one"
        assert ask(connection, b"two") == b"two"


def test_a_refused_link_resets_and_refuses_until_it_is_mended(relays: Relays, echo: Echo) -> None:
    connection = connect(relays, echo)
    ask(connection, b"before")
    relays.cut([LINK], Cut.REFUSED)
    with pytest.raises(ConnectionResetError):
        ask(connection, b"lost")
    with pytest.raises(ConnectionRefusedError):
        connect(relays, echo)
    relays.mend()
    assert ask(connect(relays, echo), b"after") == b"after"
    assert echo.heard == [b"before", b"after"]


def test_a_stalled_link_delays_and_loses_nothing(relays: Relays, echo: Echo) -> None:
    with connect(relays, echo) as connection:
        ask(connection, b"before")
        relays.cut([LINK], Cut.STALLED)
        with pytest.raises(TimeoutError):
            ask(connection, b"later", within_seconds=0.3)
        assert echo.heard == [b"before"]
        relays.mend()
        connection.settimeout(2)
        assert connection.recv(1000) == b"later"


def test_a_new_connection_stalls_too(relays: Relays, echo: Echo) -> None:
    connect(relays, echo)
    relays.cut([LINK], Cut.STALLED)
    with connect(relays, echo) as connection:
        with pytest.raises(TimeoutError):
            ask(connection, b"later", within_seconds=0.3)
        relays.mend()
        connection.settimeout(2)
        assert connection.recv(1000) == b"later"


def test_a_deaf_link_delivers_the_question_and_loses_the_answer(relays: Relays, echo: Echo) -> None:
    connection = connect(relays, echo)
    ask(connection, b"before")
    relays.cut([LINK], Cut.DEAF)
    with pytest.raises(TimeoutError):
        ask(connection, b"done?", within_seconds=0.3)
    assert echo.heard == [b"before", b"done?"]
    relays.mend()
    connection.settimeout(2)
    with pytest.raises(ConnectionResetError):
        connection.recv(1000)
    assert ask(connect(relays, echo), b"after") == b"after"


def test_a_callee_that_moved_gets_new_connections_only(relays: Relays, echo: Echo) -> None:
    old = connect(relays, echo)
    ask(old, b"hello")
    replacement = Echo(b"new: ")
    relays.move("echo", replacement.port)
    assert ask(old, b"still here") == b"still here"
    assert ask(connect(relays, echo), b"hello") == b"new: hello"
    replacement.close()


def test_nobody_behind_a_link_is_a_connection_that_ends(relays: Relays, echo: Echo) -> None:
    port = relays.route(*LINK, echo.port)
    echo.close()
    relays.move("echo", 1)
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        ask(connection, b"anybody?")
