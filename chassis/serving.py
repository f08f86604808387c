"""How a process of ours serves HTTP: one uvicorn, set up alike for the services and the gateway."""

from typing import Any

import uvicorn

GRACE_SECONDS = 10


def server(app: Any, address: str, *, has_lifespan: bool = True, keep_alive_seconds: int = 5) -> uvicorn.Server:
    """A server for `address` (host:port). Its `run` returns after SIGTERM or SIGINT, when running requests have ended."""
    host, _, port = address.rpartition(":")
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=int(port),
            loop="uvloop",
            http="httptools",
            lifespan="on" if has_lifespan else "off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # whose X-Forwarded-For counts is the gateway's to say (TRUSTED_PROXIES)
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=keep_alive_seconds,
            backlog=4096,
        )
    )
