"""One process of a service: `python -m chassis.run services.orders --roles api,grpc,worker`.

`api` serves HTTP, `grpc` answers other services, `worker` relays the outbox, consumes messages and runs jobs. On one machine
a process has all roles; an operator scales them apart. Whatever its roles, it serves /healthz, /readyz and /metrics.

SIGTERM and SIGINT stop it gracefully: no new work, running work ends, then connections close.
"""

import argparse
import logging
import os
import threading
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import grpc
from sqlalchemy.pool import QueuePool

from chassis import auth, db, idempotency, inbox, keys, log, metrics, rpc, serving, tracing
from chassis.app import create_app
from chassis.broker import Broker, BrokerDownError, connect
from chassis.config import ServiceSettings, load
from chassis.errors import Unavailable
from chassis.front import Front
from chassis.inbox import Dispatcher, consumers_in
from chassis.jobs import Clock, Job, jobs_in
from chassis.listening import Listening
from chassis.outbox import Relay
from chassis.service import Service
from chassis.serving import GRACE_SECONDS

logger = logging.getLogger(__name__)
ROLES = ("api", "grpc", "worker")
FORGOTTEN_AT_ONCE = 10_000
KEEP_ALIVE_SECONDS = 75  # longer than the gateway keeps an idle connection, so that it never sends into a closing one


def forget_old_rows() -> None:
    """Removes what no repeat can ask for any more, in steps: however much has gathered, none reaches its time limit."""
    for forget in (idempotency.forget_old, inbox.forget_old):
        forgotten = FORGOTTEN_AT_ONCE
        while forgotten == FORGOTTEN_AT_ONCE:
            with db.transaction() as session:
                forgotten = forget(session, FORGOTTEN_AT_ONCE)


def measure_queues(broker: Broker, service: str) -> None:
    """Sets the gauges of the queues of this service, dead letters too. Raises Unavailable: what they say is old then."""
    try:
        depths = broker.depths()
    except BrokerDownError as error:
        raise Unavailable("The queues are not measured.") from error
    for depth in depths:
        if depth.queue.partition(".")[0] in (service, "retry"):
            metrics.queue_depth.labels(depth.queue).set(depth.messages)


class Worker:
    """Relay, consumers and jobs of a process."""

    def __init__(self, service: Service, broker: Broker) -> None:
        self._stop = threading.Event()
        own = [  # named here: this module is called __main__ where it runs
            Job("chassis.run.forget_old_rows", 3600, forget_old_rows),
            Job("chassis.run.measure_queues", 30, partial(measure_queues, broker, service.name)),
        ]
        self._clock = Clock([*jobs_in(service.jobs), *own], service.name)
        dispatcher = Dispatcher(service.name, consumers_in(service.consumers))
        relay = Relay(broker)
        self._threads = [
            threading.Thread(target=relay.run, args=(self._stop,), name="relay", daemon=True),
            threading.Thread(
                target=broker.consume,
                args=(service.name, dispatcher),
                kwargs={"stop": self._stop},
                name="consumer",
                daemon=True,
            ),
        ]

    def start(self) -> None:
        """Starts all threads."""
        for thread in self._threads:
            thread.start()
        self._clock.start()

    def stop(self) -> None:
        """Ends after the message and the job at hand."""
        self._stop.set()
        self._clock.stop(GRACE_SECONDS)
        for thread in self._threads:
            thread.join(GRACE_SECONDS)


def run(service: Service, settings: ServiceSettings, roles: Sequence[str]) -> None:
    """Serves until a signal comes."""
    log.configure(service.name, settings.log_level)
    tracing.configure(service.name, settings.traces_endpoint)
    db.configure(settings.database_url, pool_size=settings.database_pool)
    metrics.pool_in_use.set_function(_taken_out)
    metrics.pool_size.set(settings.database_pool)
    rpc.configure(_peers(service.name, settings))
    idempotency.configure(settings.service_secret)
    auth.configure(auth.Keyring(service.fetch_keys or keys.fetch))
    if service.prepare is not None:
        service.prepare(settings, roles)
    broker = connect(settings.broker_url)
    listening = Listening(broker, [keys, *service.consumers])
    worker = Worker(service, broker) if "worker" in roles else None
    server: grpc.Server | None = None
    listening.start()
    if "grpc" in roles:
        secrets = rpc.parse_caller_secrets(settings.caller_secrets)
        server, _ = rpc.serve(settings.grpc_address, service.servicers, secrets, threads=settings.grpc_threads)
    if worker is not None:
        worker.start()
    try:
        _serve_http(service, settings, roles, listening)
    finally:
        logger.info("stopping")
        if server is not None:
            server.stop(GRACE_SECONDS).wait(GRACE_SECONDS)
        if worker is not None:
            worker.stop()
        listening.stop()
        if service.stop is not None:
            service.stop()
        broker.close()
        db.engine().dispose()


def _taken_out() -> float:
    pool = db.engine().pool
    return float(pool.checkedout()) if isinstance(pool, QueuePool) else 0.0


def _serve_http(service: Service, settings: ServiceSettings, roles: Sequence[str], listening: Listening) -> None:
    checks = {
        "database": db.is_reachable,
        "broadcasts": listening.is_ready,
        "keys": lambda: auth.keyring().try_refresh(),
    }
    app: Any = Front(None, checks)
    address = settings.metrics_address or settings.http_address
    if "api" in roles:
        address = settings.http_address
        app = create_app(
            service.name,
            service.spec,
            checks,
            threads=settings.http_threads,
            waiting_threads=settings.http_waiting_threads,
            slow_seconds=settings.slow_request_seconds,
            metadata=service.metadata[0],
        )
    logger.info("started", extra={"roles": ",".join(roles), "address": address})
    serving.server(app, address, has_lifespan="api" in roles, keep_alive_seconds=KEEP_ALIVE_SECONDS).run()


def _peers(name: str, settings: ServiceSettings) -> rpc.Peers:
    addresses = {
        "accounts": settings.accounts_grpc,
        "events": settings.events_grpc,
        "orders": settings.orders_grpc,
        "payments": settings.payments_grpc,
        "tickets": settings.tickets_grpc,
    }
    return rpc.Peers(name, settings.service_secret, addresses)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m chassis.run", description=__doc__)
    parser.add_argument("package", help="services.orders, say")
    parser.add_argument("--roles", default=",".join(ROLES), help="comma separated, of api, grpc, worker")
    arguments = parser.parse_args()
    roles = [role.strip() for role in arguments.roles.split(",")]
    if unknown := set(roles) - set(ROLES):
        parser.error(f"no such role: {', '.join(sorted(unknown))}")
    service: Service = import_module(f"{arguments.package}.main").SERVICE
    run(service, load(service.settings, os.environ), roles)


if __name__ == "__main__":
    main()
