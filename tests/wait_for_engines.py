"""Waits until the PostgreSQL and the RabbitMQ that TEST_POSTGRES_URL and TEST_BROKER_URL name answer; fails after two minutes."""

import os
import sys
import time

import pika
import psycopg
from pika.exceptions import AMQPError


def answers(postgres_url: str, broker_url: str) -> bool:
    """Whether both take connections now."""
    try:
        psycopg.connect(postgres_url, connect_timeout=2).close()
        pika.BlockingConnection(pika.URLParameters(broker_url)).close()
    except (psycopg.OperationalError, AMQPError, OSError):
        return False
    return True


if __name__ == "__main__":
    deadline = time.monotonic() + 120
    while not answers(os.environ["TEST_POSTGRES_URL"], os.environ["TEST_BROKER_URL"]):
        if time.monotonic() > deadline:
            sys.exit("PostgreSQL or RabbitMQ did not come up within two minutes")
        time.sleep(0.5)
