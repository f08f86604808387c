"""One contract for both stores; the S3 one talks to a small server of this test."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chassis.errors import Unavailable
from services.tickets.storage import FolderStorage, S3Storage, Storage, UnknownKey, open_storage
from services.tickets.tests.samples import clean  # noqa: F401


class FakeS3(BaseHTTPRequestHandler):
    """Keeps objects, refuses requests without a signature, and answers in the protocol's own words."""

    objects: dict[str, bytes]
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "AWS4-HMAC-SHA256 Credential=me/" not in self.headers.get("Authorization", ""):
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        self.objects[urlsplit(self.path).path] = body
        self._answer(200, b"", {"ETag": '"x"'})

    def do_GET(self) -> None:
        found = self.objects.get(urlsplit(self.path).path)
        if found is None:
            missing = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>'
            self._answer(404, missing, {"Content-Type": "application/xml"})
        else:
            self._answer(200, found)

    def do_DELETE(self) -> None:
        self.objects.pop(urlsplit(self.path).path, None)
        self._answer(204, b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def s3() -> Iterator[str]:
    handler = type("Handler", (FakeS3,), {"objects": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"s3://me:se%2Fcret@127.0.0.1:{server.server_port}/bucket/pre?secure=0"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    url = f"file://{tmp_path}/deep/folder" if request.param == "folder" else request.getfixturevalue("s3")
    return open_storage(url)


def test_what_was_put_is_there(storage: Storage) -> None:
    storage.put("orders/O1-2/7.pdf", b"%PDF one")
    assert storage.get("orders/O1-2/7.pdf") == b"%PDF one"


def test_putting_again_replaces(storage: Storage) -> None:
    storage.put("a.pdf", b"one")
    storage.put("a.pdf", b"two")
    assert storage.get("a.pdf") == b"two"


def test_what_was_never_put_is_unknown(storage: Storage) -> None:
    with pytest.raises(UnknownKey):
        storage.get("orders/none.pdf")


def test_what_was_deleted_is_gone_and_deleting_again_is_fine(storage: Storage) -> None:
    storage.put("a/b.pdf", b"x")
    storage.delete("a/b.pdf")
    storage.delete("a/b.pdf")
    with pytest.raises(UnknownKey):
        storage.get("a/b.pdf")


@pytest.mark.parametrize(
    "key", ["../x", "/etc/passwd", "a/../../x", "", "a//b", ".hidden", "a b", "a\n", "a" * 600, "é"]
)
def test_a_key_that_could_lead_elsewhere_is_refused(storage: Storage, key: str) -> None:
    for act in (storage.get, storage.delete, lambda name: storage.put(name, b"x")):
        with pytest.raises(ValueError):
            act(key)


def test_a_folder_holds_no_half_written_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = FolderStorage(tmp_path)
    storage.put("a.pdf", b"old")
    monkeypatch.setattr("pathlib.Path.replace", _fail)
    with pytest.raises(Unavailable):
        storage.put("a.pdf", b"new")
    assert storage.get("a.pdf") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]


def test_a_folder_has_no_address_and_a_bucket_has_a_signed_one(storage: Storage) -> None:
    url = storage.url("a.pdf", timedelta(minutes=5))
    if isinstance(storage, S3Storage):
        assert url is not None
        assert "/bucket/pre/a.pdf?" in url
        assert "X-Amz-Signature=" in url
        assert "se/cret" not in url
    else:
        assert url is None


def test_a_store_that_is_away_is_unavailable() -> None:
    storage = open_storage("s3://me:secret@127.0.0.1:9/bucket?secure=0")
    with pytest.raises(Unavailable):
        storage.get("a.pdf")


@pytest.mark.parametrize("url", ["", "/tmp/x", "file://host/x", "s3://host", "http://x/y", "ftp://x/y"])  # noqa: S108
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        open_storage(url)


def _fail(*_: object) -> None:
    raise OSError("no space left")
