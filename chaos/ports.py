"""Ports that stay free while the process behind them is dead."""

import random
import socket

from gateway.config import SERVICES
from local.system import Ports

QUIET = range(12_000, 32_000)  # the kernel gives outgoing connections higher ones, also a dead listener's


def quiet_port() -> int:
    """A free port on the loopback address that no outgoing connection takes."""
    while True:
        port = random.choice(QUIET)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def quiet_ports() -> Ports:
    """For a whole system."""
    return Ports(
        gateway=quiet_port(),
        postgres=quiet_port(),
        stripe=quiet_port(),
        paypal=quiet_port(),
        http={name: quiet_port() for name in SERVICES},
        grpc={name: quiet_port() for name in SERVICES},
    )
