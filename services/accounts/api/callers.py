"""Who is calling, as far as limits want to know."""

import flask


def client_address() -> str:
    """The address of the caller's machine as the gateway saw it, or of the connection where there is no gateway."""
    return flask.request.headers.get("X-Client-Address") or flask.request.remote_addr or "unknown"
