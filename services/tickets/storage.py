"""Where PDFs live: a folder or any S3-compatible store, behind four verbs. Keys look like `orders/O17/42.pdf`.

A key is written whole or not at all; writing it again replaces it. Deleting what is not there is no error.
"""

import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
from minio import Minio
from minio.error import S3Error

from chassis.errors import Unavailable
from chassis.files import make_folder, write_atomically

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z")
MOST_KEY_CHARACTERS = 500
TIMEOUT = urllib3.Timeout(connect=3, read=10)
RETRIES = urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), allowed_methods=None)


class UnknownKey(Exception):
    """Nothing is stored under this key."""


class Storage(Protocol):
    """What rendering and downloads need of a store. Any call may raise Unavailable: nothing was decided."""

    def put(self, key: str, data: bytes, content_type: str = "application/pdf") -> None:
        """Keeps `data` under `key`, durable when the call returns."""

    def get(self, key: str) -> bytes:
        """Raises UnknownKey."""

    def delete(self, key: str) -> None:
        """Afterwards nothing is there."""

    def url(self, key: str, valid_for: timedelta) -> str | None:
        """Where a browser may fetch it directly for a while; None where only we can reach the store."""


def open_storage(url: str) -> Storage:
    """`file:///var/stagedoor/pdf`, or `s3://key:secret@host:9000/bucket/prefix?secure=0&region=eu-central-1`."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        return FolderStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.hostname and parts.path.strip("/"):
        return S3Storage.from_url(url)
    raise ValueError(f"STORAGE_URL is neither file:///folder nor s3://key:secret@host/bucket: {parts.scheme}://…")


def check_key(key: str) -> str:
    """Keys are ours and plain. Raises ValueError for anything else, before a path or a request is made of it."""
    if len(key) > MOST_KEY_CHARACTERS or not _KEY.match(key) or ".." in key:
        raise ValueError(f"{key[:80]!r} is not a storage key")
    return key


class FolderStorage:
    """Files below one folder. A reader sees the old file or the new one, never half of one."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, data: bytes, content_type: str = "application/pdf") -> None:
        path = self._path(key)
        try:
            make_folder(path.parent)
            write_atomically(path, data)
        except OSError as error:
            raise Unavailable("The document store cannot be written now") from error

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise UnknownKey(key) from None
        except OSError as error:
            raise Unavailable("The document store cannot be read now") from error

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise Unavailable("The document store cannot be written now") from error

    def url(self, key: str, valid_for: timedelta) -> str | None:
        return None

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)


class S3Storage:
    """A bucket of Amazon S3, MinIO, Ceph or any other store that speaks its protocol."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    @classmethod
    def from_url(cls, url: str) -> "S3Storage":
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        bucket, _, prefix = parts.path.strip("/").partition("/")
        pool = urllib3.PoolManager(timeout=TIMEOUT, retries=RETRIES, maxsize=10)
        client = Minio(
            f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname),
            access_key=unquote(parts.username or ""),
            secret_key=unquote(parts.password or ""),
            secure=options.get("secure", "1") not in ("0", "false", "no"),
            region=options.get("region", "us-east-1"),  # named, so that it is never asked for
            http_client=pool,
        )
        return cls(client, bucket, f"{prefix}/" if prefix else "")

    def put(self, key: str, data: bytes, content_type: str = "application/pdf") -> None:
        self._ask(
            self._client.put_object,
            bucket_name=self._bucket,
            object_name=self._name(key),
            data=BytesIO(data),
            length=len(data),
            content_type=content_type,
        )

    def get(self, key: str) -> bytes:
        response = None
        try:
            response = self._ask(self._client.get_object, bucket_name=self._bucket, object_name=self._name(key))
            return bytes(response.data)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable("The document store does not answer") from error
        finally:
            if response is not None:
                response.close()
                response.release_conn()

    def delete(self, key: str) -> None:
        self._ask(self._client.remove_object, bucket_name=self._bucket, object_name=self._name(key))

    def url(self, key: str, valid_for: timedelta) -> str | None:
        return str(self._client.presigned_get_object(self._bucket, self._name(key), expires=valid_for))

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _ask(self, call: Any, **arguments: Any) -> Any:
        try:
            return call(**arguments)
        except S3Error as error:
            if error.code == "NoSuchKey":
                raise UnknownKey(arguments["object_name"].removeprefix(self._prefix)) from None
            raise Unavailable("The document store refuses to work", meta={"store-code": error.code}) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable("The document store does not answer") from error
