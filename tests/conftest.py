"""What tests of several parts need: a real Postgres and a real Kafka, each one for the session."""

import gc
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import hypothesis
import psycopg
import pytest

from services.broker.topic_state import topics_admin
from services.broker.topics import partition_counts
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.settings import Settings, load_settings
from tests.guarded_postgres import GuardedServer
from tests.kafka_shared import NoBroker, SharedBroker, shared_broker

ServerT = TypeVar("ServerT", bound=EmbeddedServer)

SEEDS = 100
TEMPLATE = "journal_template"
INSTALLED = Path("/usr/lib/postgresql")
# The same examples in every run, however slow the machine: a red run is red again, and
# shows what to give `@reproduce_failure`.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=True,
    print_blob=True,
)
hypothesis.settings.load_profile("house")
# Tests allocate much and keep little: looking for circles less often takes a seventh off a market.
gc.set_threshold(50_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many seeded markets tests/simulation plays."""
    parser.addoption("--seeds", type=int, default=SEEDS, help="seeded markets to simulate")


def _served(opened: Callable[[Path], ServerT]) -> Iterator[ServerT]:
    """A server in a directory of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="clearing-test-") as directory,
        opened(Path(directory)) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """The embedded server of this session, from the wheel."""
    yield from _served(EmbeddedServer)


@pytest.fixture(scope="session")
def machine_binaries() -> Path:
    """The programs of a Postgres that the machine has, at least version 15."""
    found = {int(path.parent.name): path for path in INSTALLED.glob("[0-9]*/bin")}
    usable = {version: path for version, path in found.items() if version >= 15}
    if not usable:
        pytest.fail("these tests need a Postgres of the machine: apt-get install postgresql")
    return usable[min(usable)]


@pytest.fixture(scope="session")
def machine_postgres(machine_binaries: Path) -> Iterator[EmbeddedServer]:
    """A server from these programs."""
    yield from _served(partial(EmbeddedServer, binaries=machine_binaries))


@pytest.fixture(scope="session")
def guarded_postgres(machine_binaries: Path) -> Iterator[GuardedServer]:
    """A server from these programs that speaks TLS and asks for passwords."""
    yield from _served(partial(GuardedServer, binaries=machine_binaries))


@pytest.fixture(scope="session")
def postgres_url(postgres: EmbeddedServer) -> str:
    """The URL of the embedded server of this session."""
    return postgres.url


@pytest.fixture
def database(postgres: EmbeddedServer) -> Iterator[str]:
    """The URL of a fresh, empty database, dropped after the test."""
    yield from fresh_database(postgres)


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedServer) -> EmbeddedServer:
    """The server of the session, with a migrated database to copy."""
    return with_template(postgres)


def with_template(server: EmbeddedServer) -> EmbeddedServer:
    """A server, with a migrated database to copy: pytest may ask again for one it has had."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [TEMPLATE]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
    migrate(server.url_of(TEMPLATE))
    return server


@pytest.fixture
def url(migrated: EmbeddedServer) -> Iterator[str]:
    """The URL of an empty journal."""
    yield from fresh_database(migrated, template=TEMPLATE)


def fresh_database(server: EmbeddedServer, *, template: str = "template1") -> Iterator[str]:
    """The URL of a fresh copy of a database on this server, dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        # Copying the files is the quicker way for a small database.
        copy = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
        connection.execute(copy.encode())
    yield server.url_of(name)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[SharedBroker]:
    """A broker that all tests of this session share, those of xdist too."""
    base = tmp_path_factory.getbasetemp()
    with ExitStack() as held:
        try:
            shared = held.enter_context(
                shared_broker((base if worker_id == "master" else base.parent) / "broker")
            )
        except NoBroker as missing:
            pytest.fail(str(missing))
        yield shared


@pytest.fixture(scope="session")
def broker(kafka: SharedBroker) -> str:
    """Its address in plain text."""
    return kafka.address


@pytest.fixture
def streams(broker: str, database: str) -> Iterator[Settings]:
    """Settings with the shared broker, an empty database, and topics and a group of its own."""
    name = f"test-{uuid4().hex[:12]}"
    settings = load_settings(
        brokers=broker, database=database, topic_prefix=name, group=name, clock_interval_s=0
    )
    yield settings
    with topics_admin(settings) as admin:
        found = set(admin.list_topics()) & set(partition_counts(name, with_facts=True))
        if found:
            admin.delete_topics(sorted(found))
