"""The system of docker-compose.yml as a journey sees it: one project per run, on free ports, with secrets of its own."""

import io
import os
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from testcontainers.compose import DockerCompose

from gateway.config import SERVICES
from local.ports import free_port

ROOT = Path(__file__).parents[2]
ROLES = ("api", "grpc", "worker")
HEALTHY = ("python", "-I", "-S", "/app/deploy/healthy.py")
POSTGRES_ANSWERS = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres")
RABBITMQ_ANSWERS = ("bash", "-c", ": </dev/tcp/127.0.0.1/5672")


def docker(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[bytes]":
    """One docker command. Raises CalledProcessError with what it said."""
    done = subprocess.run(["docker", *arguments], capture_output=True, check=False, timeout=120)
    if check and done.returncode:
        raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done


class Containers:
    """All containers of one service. `docker kill` ends them as a power cut would; `ready` is asked inside each."""

    def __init__(self, names: Sequence[str], ready: Sequence[str] = HEALTHY) -> None:
        self.names = names
        self.ready = ready

    def kill(self) -> None:
        docker("kill", *self.names)

    def stop(self) -> None:
        docker("stop", *self.names)

    def start(self) -> None:
        docker("start", *self.names)

    def wait_ready(self, deadline: float) -> None:
        for name in self.names:
            while docker("exec", name, *self.ready, check=False).returncode:
                if time.monotonic() > deadline:
                    said = docker("logs", "--tail", "20", name, check=False)
                    raise RuntimeError(f"{name} is not ready in time:\n{said.stdout.decode(errors='replace')}")
                time.sleep(0.2)


class ComposeSystem:
    """Built, started and removed with everything in it."""

    def __init__(self, folder: Path) -> None:
        self.project = f"stagedoor-e2e-{uuid.uuid4().hex[:8]}"
        self.secrets = folder / "secrets"
        self.ports = {name: free_port() for name in ("gateway", "postgres", "stripe", "paypal")}
        self.url = f"http://127.0.0.1:{self.ports['gateway']}"
        self.stripe_url = f"http://127.0.0.1:{self.ports['stripe']}"
        self.paypal_url = f"http://127.0.0.1:{self.ports['paypal']}"
        self.parts = {name: Containers([self.container(f"{name}-{role}") for role in ROLES]) for name in SERVICES} | {
            "gateway": Containers([self.container("gateway")]),
            "postgres": Containers([self.container("postgres")], POSTGRES_ANSWERS),
            "rabbitmq": Containers([self.container("rabbitmq")], RABBITMQ_ANSWERS),
        }
        self._mails: dict[str, tuple[float, bytes]] = {}
        subprocess.run(
            [sys.executable, ROOT / "deploy/compose/make_secrets.py"],
            env={**os.environ, "SECRETS_FOLDER": str(self.secrets)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.environment = folder / "environment"
        self.environment.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        for name in self._settings():
            os.environ.pop(name, None)  # else it would win over the file
        self.compose = DockerCompose(
            ROOT, ["docker-compose.yml", "tests/e2e/compose.yml"], env_file=str(self.environment)
        )

    def container(self, service: str, number: int = 1) -> str:
        """The name of a container."""
        return f"{self.project}-{service}-{number}"

    @property
    def super_admin_password(self) -> str:
        return self.secret("super_admin_password")

    @property
    def database_urls(self) -> dict[str, str]:
        there = f"@127.0.0.1:{self.ports['postgres']}/"
        return {name: self.secret(f"{name}_database_url").replace("@postgres:5432/", there) for name in SERVICES}

    def secret(self, name: str) -> str:
        """What a file under SECRETS_FOLDER says."""
        return (self.secrets / name).read_text()

    def remove(self) -> None:
        """Containers, networks and everything that they kept. Nobody waits for requests in flight.

        An engine may say that a network without any container has active endpoints still, until it is started anew
        (moby 20.10 does): such an empty network is no reason to call the journeys failed.
        """
        command = [*self.compose.compose_command_property, "down", "--volumes", "--timeout", "1"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=180)
        mine = ("--quiet", "--filter", f"label=com.docker.compose.project={self.project}")
        left = docker("ps", "--all", *mine).stdout + docker("volume", "ls", *mine).stdout
        if left or (done.returncode and b"has active endpoints" not in done.stderr):
            raise RuntimeError(f"not all was removed: {left!r}\n{done.stderr.decode(errors='replace')}")

    def keep_logs(self, folder: Path) -> None:
        """What every container said, one file each."""
        folder.mkdir(parents=True, exist_ok=True)
        for container in self.compose.get_containers(include_all=True):
            name = str(container.Name)
            said = docker("logs", name, check=False)
            (folder / f"{name.removeprefix(self.project + '-')}.log").write_bytes(said.stdout + said.stderr)

    def mails(self) -> list[bytes]:
        """What is new in the volume "mail" is fetched, the rest is remembered."""
        since = max((moment for moment, _ in self._mails.values()), default=0.0) - 2
        fetch = (
            "exec",
            self.container("accounts-worker"),
            "tar",
            "-C",
            "/mail",
            f"--newer-mtime=@{since:.0f}",
            "-cf-",
            ".",
        )
        done = docker(*fetch, check=False)  # a file that vanished meanwhile is a half-written one, and an error to tar
        with tarfile.open(fileobj=io.BytesIO(done.stdout), ignore_zeros=True) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".eml") else None
                if content is not None:
                    self._mails[member.name] = (member.mtime, content.read())
        return [content for _, content in sorted(self._mails.values(), key=lambda each: each[0])]

    def show_mails(self, folder: Path) -> None:
        """Those that were sent until now."""
        folder.mkdir()
        for number, content in enumerate(self.mails()):
            (folder / f"{number}.eml").write_bytes(content)

    def _settings(self) -> dict[str, str]:
        accounts = (
            "LOGIN_ATTEMPTS_PER_ACCOUNT",
            "LOGIN_ATTEMPTS_PER_ADDRESS",
            "MAILS_PER_ACCOUNT",
            "MAILS_PER_ADDRESS",
        )
        addresses = ("EMAIL_CHECKS_PER_ADDRESS", "SIGN_UPS_PER_ADDRESS")
        return {
            **_example(),
            "COMPOSE_PROJECT_NAME": self.project,
            "SECRETS_FOLDER": str(self.secrets),
            "GATEWAY_ADDRESS": f"127.0.0.1:{self.ports['gateway']}",
            "FAKE_STRIPE_ADDRESS": f"127.0.0.1:{self.ports['stripe']}",
            "FAKE_PAYPAL_ADDRESS": f"127.0.0.1:{self.ports['paypal']}",
            "E2E_POSTGRES_PORT": str(self.ports["postgres"]),
            "PUBLIC_URL": self.url,
            "FRONTEND_URL": self.url,
            "FAKE_STRIPE_URL": self.stripe_url,
            "FAKE_PAYPAL_URL": self.paypal_url,
            "RATE_PER_MINUTE": "60000",
            "RATE_AUTH_PER_MINUTE": "6000",
            **dict.fromkeys((*accounts, *addresses), "100000"),
        }


def _example() -> dict[str, str]:
    """What .env.example says, but for the images: those the operator of this machine has chosen."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: os.environ.get(name, value) if name.endswith("_IMAGE") else value for name, value in pairs.items()}
