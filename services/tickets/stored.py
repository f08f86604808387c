"""The store of this process."""

from services.tickets.storage import Storage

_storage: Storage | None = None


def configure(storage: Storage) -> None:
    """Binds this process to its store."""
    global _storage
    _storage = storage


def storage() -> Storage:
    """The store that `configure` named."""
    if _storage is None:
        raise RuntimeError("services.tickets.stored.configure() has not been called in this process")
    return _storage
