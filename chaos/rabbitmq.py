"""A RabbitMQ of one's own, as its operator sees and restarts it: by `rabbitmqctl`, on this machine or in a container."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RabbitMQ:
    """`url` is how clients connect; `control` is the command, like ``docker exec chaos rabbitmqctl``."""

    url: str
    control: Sequence[str]

    def queued(self) -> dict[str, int]:
        """Messages per durable queue, delivered but not acknowledged ones too."""
        rows = [line.split("\t") for line in self._do("list_queues", "name", "durable", "messages").splitlines()]
        return {name: int(messages) for name, durable, messages in rows if durable == "true"}

    def restart(self) -> None:
        """Everybody is disconnected; what is durable stays."""
        self._do("stop_app")
        self._do("start_app")

    def _do(self, *arguments: str) -> str:
        command = [*self.control, "--quiet", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 (the operator's own command)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout.removeprefix("name\tdurable\tmessages\n")
