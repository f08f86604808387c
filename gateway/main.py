"""One gateway process: `python -m gateway.main`."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import requests
from prometheus_client import start_http_server

import services
from chassis import auth, keys, log, rpc, serving, spec, tracing
from chassis.broker import connect
from chassis.config import load
from chassis.front import Front
from chassis.listening import Listening
from gateway.app import Gateway
from gateway.config import SERVICES, GatewaySettings
from gateway.cors import Cors
from gateway.document import assets, merge
from gateway.limits import RateLimit
from gateway.proxy import Proxy
from gateway.routing import RoutingTable


def specs() -> dict[str, dict[str, Any]]:
    """The five specs, as their services serve them."""
    folder = Path(services.__path__[0])
    return {name: spec.load(folder / name / "openapi.yaml") for name in SERVICES}


def build(settings: GatewaySettings, is_listening: Callable[[], bool] = lambda: True) -> Front:
    """The application with its operator's pages. It is ready once `is_listening`: no ended session can be missed then."""
    documents = specs()
    pages: Mapping[str, tuple[str, bytes]] = {
        **assets(),
        "/openapi.json": ("application/json", orjson.dumps(merge(documents))),
    }
    gateway = Gateway(
        RoutingTable(documents),
        Proxy(settings.upstreams(), settings.upstream_timeout_seconds),
        RateLimit(
            {
                "default": settings.rate_per_minute,
                "auth": settings.rate_auth_per_minute,
                "webhooks": settings.rate_webhooks_per_minute,
            }
        ),
        Cors([origin.strip() for origin in settings.cors_origins.split(",")]),
        pages,
        settings.trusted_proxies,
    )
    checks: dict[str, Callable[[], bool]] = {name: partial(is_ready, url) for name, url in settings.upstreams().items()}
    checks["broadcasts"] = is_listening
    checks["keys"] = keys_are_known
    return Front(gateway, checks, shows_metrics=not settings.metrics_address)


def is_ready(base_url: str) -> bool:
    """Whether a service says that it can work."""
    try:
        return requests.get(f"{base_url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def keys_are_known() -> bool:
    """Whether tokens can be verified; fetches the keys if not."""
    return auth.keyring().try_refresh()


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = load(GatewaySettings, os.environ)
    log.configure("gateway", settings.log_level)
    tracing.configure("gateway", settings.traces_endpoint)
    rpc.configure(rpc.Peers("gateway", settings.service_secret, {"accounts": settings.accounts_grpc}))
    auth.configure(auth.Keyring(keys.fetch))
    listening = Listening(connect(settings.broker_url), [keys])
    listening.start()
    if settings.metrics_address:
        metrics_host, _, metrics_port = settings.metrics_address.rpartition(":")
        start_http_server(int(metrics_port), metrics_host)
    try:
        serving.server(build(settings, listening.is_ready), settings.http_address).run()
    finally:
        listening.stop()


if __name__ == "__main__":
    main()
