"""The broker that the tests of one session share, all processes of pytest-xdist together.

In: a directory that these processes share. Out: the addresses of a broker, in this order: one named
in CLEARING_TEST_BROKERS; one in Docker, if an engine answers; one of this machine's Java. The first
process to come starts it, the last to leave stops it: each holds `users.lock` while it lives.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import docker
from docker.errors import DockerException, NotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from services.broker.connecting import broker_ready
from services.journal.file_locks import locked, open_lock_file, share, try_exclusive
from services.settings import load_settings
from tests.kafka_broker import PROPERTIES, STOP_SECONDS_MAX, LocalBroker, free_ports
from tests.kafka_software import KAFKA_VERSION, missing_software

USER, PASSWORD = "alice", "open-sesame"
NAMED: Final = "CLEARING_TEST_BROKERS"
IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
PORT_INSIDE: Final = 9092
# Held as users.lock is, but never alone, so that the guard of the broker cannot get between.
ALIVE: Final = "alive.lock"
DOCKER_SOCKET: Final = "unix:///var/run/docker.sock"


class SharedBroker(NamedTuple):
    """Where it is spoken to: in plain text; with a user, without and with TLS ("" if by nobody)."""

    address: str
    sasl_address: str = ""
    sasl_tls_address: str = ""


class NoBroker(Exception):
    """There is no way to have a broker here; the message lists what to install."""


@contextmanager
def shared_broker(directory: Path) -> Iterator[SharedBroker]:
    """The broker of this session. Errors: NoBroker."""
    if named := os.environ.get(NAMED):
        yield SharedBroker(named)
        return
    directory.mkdir(parents=True, exist_ok=True)
    users, alive = open_lock_file(directory / "users.lock"), open_lock_file(directory / ALIVE)
    note = directory / "broker.json"
    try:
        with locked(directory / "start.lock"):
            share(users)
            share(alive)
            if not note.exists():
                note.write_text(json.dumps(_start(directory)), encoding="utf-8")
        yield SharedBroker(*json.loads(note.read_text("utf-8"))["addresses"])
    finally:
        with locked(directory / "start.lock"):
            if try_exclusive(users) and note.exists():
                _stop(**json.loads(note.read_text("utf-8")))
                note.unlink()
        os.close(users)
        os.close(alive)


def docker_answers() -> bool:
    """Whether a Docker engine answers here."""
    host = os.environ.get("DOCKER_HOST", DOCKER_SOCKET)
    # Its client leaves sockets open that nobody listens on.
    if host.startswith("unix://") and not _listens(host.removeprefix("unix://")):
        return False
    try:
        engine = docker.from_env(timeout=5)
    except DockerException:
        return False
    try:
        return bool(engine.ping())
    except (DockerException, OSError):
        return False
    finally:
        engine.close()


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as one:
        return one.connect_ex(path) == 0


def _start(directory: Path) -> dict[str, Any]:
    if docker_answers():
        return _start_container()
    if missing := missing_software():
        raise NoBroker(what_to_install(missing))
    broker = LocalBroker(directory / "kafka", users={USER: PASSWORD}, lock=directory / ALIVE)
    addresses = [broker.address, broker.sasl_address, broker.sasl_tls_address]
    return {"addresses": addresses, "pid": str(broker.release()), "container": ""}


def what_to_install(missing: list[str]) -> str:
    """What a test says that has no broker."""
    return "these tests need Apache Kafka; one of:\n" + "\n".join(
        [
            f"- the address of a broker in {NAMED}, as host:port",
            "- a Docker engine that answers (docker info)",
            *[f"- still missing for a broker of our own: {one}" for one in missing],
        ]
    )


def _start_container() -> dict[str, Any]:
    """A broker in Docker that advertises the port of this machine it was given."""
    (port,) = free_ports(1)
    own = {
        "listeners": f"PLAINTEXT://:{PORT_INSIDE},CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": "1@localhost:9093",
    }
    variables = {
        "KAFKA_" + name.replace(".", "_").upper(): value
        for name, value in (PROPERTIES | own).items()
    }
    # The reaper would end it with the process that started it; the last to leave does that here.
    testcontainers_config.ryuk_disabled = True
    container = DockerContainer(IMAGE).with_envs(**variables).with_bind_ports(PORT_INSIDE, port)
    container.start()
    address = f"127.0.0.1:{port}"
    asyncio.run(broker_ready(load_settings(brokers=address)))
    return {"addresses": [address], "pid": "", "container": container.get_container_id()}


def _stop(*, addresses: list[str], pid: str, container: str) -> None:
    del addresses
    if container:
        with suppress(NotFound):
            docker.from_env().containers.get(container).remove(force=True)
    if pid:
        _end(int(pid))


def _end(pid: int) -> None:
    """End a broker that this process or another of the session started."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, ending)
        if _waited(lambda: not is_alive(pid)):
            return


def _waited(is_done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while time.monotonic() < deadline:
        if is_done():
            return True
        time.sleep(0.05)
    return False


def is_alive(pid: int) -> bool:
    """Whether a process has not ended, though whoever started it may not have asked how it did."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    asked = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")
