"""A real Apache Kafka on this machine: one broker of its own, to be killed and started again.

In: a directory. Out: an address on loopback. The process is the broker: `kill` is a `kill -9`,
`restart` goes on with the same files on the same ports. Needs Java and Maven (kafka_software.py).
"""

from __future__ import annotations

import base64
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from services.journal import file_locks
from tests.kafka_guard import guard
from tests.kafka_software import java_version, kafka_jars

START_SECONDS_MAX: Final = 120.0
STOP_SECONDS_MAX: Final = 30.0
STARTED: Final = b"Kafka Server started"
# Small and quick to start. A bench that wants Kafka at its best says so.
JVM: Final = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LOGGING: Final = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)
SCRAM: Final = "SCRAM-SHA-512"
CERTIFICATE: Final = Path(__file__).parent / "certificates" / "server.pem"
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
SECURED: Final = {
    "sasl.enabled.mechanisms": SCRAM,
    f"listener.name.sasl_plaintext.{SCRAM.lower()}.sasl.jaas.config": _LOGIN,
    f"listener.name.sasl_ssl.{SCRAM.lower()}.sasl.jaas.config": _LOGIN,
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": str(CERTIFICATE),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
}
_PROTOCOLS: Final = "listener.security.protocol.map"
PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    _PROTOCOLS: (
        "CONTROLLER:PLAINTEXT,AMONG:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,"
        "SASL_SSL:SASL_SSL"
    ),
    # After a kill -9 the same broker is let in again only when its old session has ended.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
}
LINED: Final = {_PROTOCOLS: f"{PROPERTIES[_PROTOCOLS]},LINE0:PLAINTEXT,LINE1:PLAINTEXT"}
# The system gives ports of a range of its own to whoever connects: one that was found free there
# may be taken before whoever asked for it listens, seconds later. Each process of pytest-xdist
# (gw0, gw1, …) has others of those below.
_PORTS: Final = range(12_000, 32_000)
_GIVEN_AWAY: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_PROCESSES_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a broker stands: on loopback, with a cluster of its own, unless told.

    host: where it is spoken to; among: where other brokers speak with it, if not there.
    wires: where each line of `LINED` ends, which then needs nobody to lay it. before: words before
    its command, `ip netns exec …`. controller: whose cluster it joins.
    """

    host: str = "127.0.0.1"
    among: str = ""
    wires: Sequence[str] = ()
    before: Sequence[str] = ()
    controller: LocalBroker | None = None


class LocalBroker:
    """One broker in a directory; a context manager that stops it.

    users: name to password, for SASL/SCRAM on two more listeners, one of them with TLS (the
    certificate of tests/certificates); they may do all, users made later what they are granted.
    properties: more of Kafka's own, or others than ours; with those of `LINED` it has two `lines`
    more: it listens at the further port of each, and says that it is spoken to at the nearer, from
    where somebody lays a line. jvm: other options of Java than ours. lock: held by all who use it;
    when the last of them is dead, however it died, the broker is ended.
    """

    def __init__(
        self,
        directory: Path,
        *,
        users: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        jvm: tuple[str, ...] | None = None,
        lock: Path | None = None,
        stand: Stand = Stand(),
    ) -> None:
        """Format the directory and start."""
        self.directory = directory.absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.users = dict(users or {})
        self.log = self.directory / "kafka.log"
        self._jvm = jvm or (*JVM, *class_archive())
        self._jars = kafka_jars()
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._lock = lock or self.directory / "users.lock"
        self._held = file_locks.open_lock_file(self._lock)
        file_locks.share(self._held)
        self._stand = stand
        self._ports = free_ports(5)
        names = (properties or {}).get(_PROTOCOLS, "").count("LINE")
        self.lines = [(near, far) for near, far in (free_ports(2) for _ in range(names))]
        self.wires = [f"{host}:{far}" for host, (_, far) in zip(stand.wires, self.lines)]  # noqa: B905
        self._cluster = base64.urlsafe_b64encode(b"\x01" + os.urandom(15)).decode().rstrip("=")
        self._joins = stand.controller is not None
        joined = {} if stand.controller is None else self._membership(stand.controller)
        self._write_properties(joined | dict(properties or {}))
        self._format()
        self.restart()

    @property
    def address(self) -> str:
        """Where it is spoken to in plain text, as host:port."""
        return f"{self._stand.host}:{self._ports[0]}"

    @property
    def sasl_address(self) -> str:
        """Where it asks for user and password (SASL_PLAINTEXT)."""
        return f"127.0.0.1:{self._ports[2]}"

    @property
    def sasl_tls_address(self) -> str:
        """The same with TLS (SASL_SSL); its certificate is for localhost."""
        return f"localhost:{self._ports[3]}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "the broker is not running"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and not ended by us."""
        return self._process is not None

    def restart(self) -> None:
        """Start it on its files, where it was; returns when it serves."""
        assert self._process is None, "the broker is running"
        log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._stand.before, *self._java("kafka.Kafka", str(self._server_properties))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = guard(self._lock, self.pid)
        deadline = time.monotonic() + START_SECONDS_MAX
        while STARTED not in (said := self.log.read_bytes()[log_start:]):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError("Kafka did not start: " + said[-4000:].decode())
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would (kill -9)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it shut down in order; nothing if it is not running."""
        if self._process is not None:
            self._end(signal.SIGTERM)

    def release(self) -> int:
        """Let it outlive this object; gives the process that somebody else must end."""
        assert self._process is not None, "the broker is not running"
        process, self._process = self._process, None
        # Or they would complain, when they are forgotten, that they still run.
        for forgotten in (process, self._guard):
            if forgotten is not None:
                forgotten.returncode = 0
        os.close(self._held)
        return process.pid

    def suspend(self) -> None:
        """Let it stand still (SIGSTOP), sockets open."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop()
        os.close(self._held)

    def _end(self, ending: signal.Signals) -> None:
        process, self._process = self._process, None
        assert process is not None, "the broker is not running"
        process.send_signal(ending)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()

    @property
    def _server_properties(self) -> Path:
        return self.directory / "server.properties"

    def _membership(self, controller: LocalBroker) -> dict[str, str]:
        """The properties of a broker whose controller is another process."""
        self._cluster = controller._cluster
        voters = controller._control
        return {"process.roles": "broker", "controller.quorum.bootstrap.servers": voters}

    @property
    def _control(self) -> str:
        return f"{self._stand.among or self._stand.host}:{self._ports[1]}"

    def _write_properties(self, more: Mapping[str, str]) -> None:
        roles = (PROPERTIES | dict(more))["process.roles"].split(",")
        listeners = [f"PLAINTEXT://{self.address}"] if "broker" in roles else []
        own = [f"CONTROLLER://{self._control}"] if "controller" in roles else []
        if self._stand.among and "broker" in roles:
            listeners.append(f"AMONG://{self._stand.among}:{self._ports[4]}")
        if self.users:
            listeners.append(f"SASL_PLAINTEXT://{self.sasl_address}")
            listeners.append(f"SASL_SSL://{self.sasl_tls_address}")
        named = [*listeners]
        for number, (near, far) in enumerate(self.lines if "broker" in roles else []):
            wire = self.wires[number] if self.wires else ""
            listeners.append(f"LINE{number}://{wire or f'127.0.0.1:{far}'}")
            named.append(f"LINE{number}://{wire or f'127.0.0.1:{near}'}")
        chosen = PROPERTIES | {
            "listeners": ",".join([*listeners, *own]),
            "advertised.listeners": ",".join(named or own),
            "controller.quorum.bootstrap.servers": self._control,
            "log.dirs": str(self.directory / "data"),
        }
        if self._stand.among:
            chosen |= {"inter.broker.listener.name": "AMONG"}
        if self.users:
            # The broker itself, and whoever speaks in plain text, is ANONYMOUS.
            names = ";".join(f"User:{name}" for name in ("ANONYMOUS", *self.users))
            chosen |= SECURED | {"super.users": names}
        lines = [f"{name}={value}\n" for name, value in (chosen | dict(more)).items()]
        self._server_properties.write_text("".join(lines), encoding="utf-8")

    def _format(self) -> None:
        """Make the files of a new cluster, with its users."""
        kind = "--no-initial-controllers" if self._joins else "--standalone"
        options = ["format", kind, "-t", self._cluster, "-c", str(self._server_properties)]
        for user, password in self.users.items():
            options += ["--add-scram", f"{SCRAM}=[name={user},password={password}]"]
        command = self._java("kafka.tools.StorageTool", *options)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"Kafka's files could not be made: {done.stdout}{done.stderr}"

    def _java(self, program: str, *options: str) -> list[str]:
        return ["java", *self._jvm, *LOGGING, "-cp", f"{self._jars}/*", program, *options]


def class_archive() -> tuple[str, ...]:
    """The options of a Java that finds Kafka's classes read: a start costs two thirds.

    They are read once for all by a broker that starts and stops, and kept beside the jars.
    """
    jars = kafka_jars()
    archive = jars.with_name(f"{jars.name}-java{java_version()}.jsa")
    with file_locks.locked(archive.with_suffix(".lock")):
        if not archive.exists():
            with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
                made = Path(folder) / archive.name
                with LocalBroker(Path(folder), jvm=(*JVM, f"-XX:ArchiveClassesAtExit={made}")):
                    pass
                made.rename(archive)
    return (f"-XX:SharedArchiveFile={archive}",)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, all different, none given to others of ours."""
    found = [*islice(filter(_is_free, islice(_DRAWN, len(_PORTS))), count)]
    assert len(found) == count, f"no {count} ports of {_PORTS} are free"
    return found


def own_ports(process: str, given_away: str = "") -> list[int]:
    """The ports of one process of pytest-xdist, by its name.

    given_away: what the system tells of its own range, the first port of it and the last.
    """
    number = int(process.removeprefix("gw") or 0) % _PROCESSES_MAX
    end = int(given_away.split(maxsplit=1)[0]) if given_away else _PORTS.stop
    below = range(_PORTS.start, min(end, _PORTS.stop)) or _PORTS
    return [port for port in below if port % _PROCESSES_MAX == number]


def _drawn() -> Iterator[int]:
    """Our ports one after the other from any on, round and round: none soon comes again."""
    given_away = _GIVEN_AWAY.read_text("ascii") if _GIVEN_AWAY.exists() else ""
    own = own_ports(os.environ.get("PYTEST_XDIST_WORKER", ""), given_away)
    return islice(cycle(own), secrets.randbelow(len(own)), None)


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_DRAWN: Final = _drawn()
