"""A house where nobody may do what was not granted: the users of OPERATIONS.

In: the commands and the SQL under Security in OPERATIONS.md; a broker with TLS, SCRAM and an
authorizer; a Postgres with TLS and SCRAM. Out: a house whose users have exactly those rights; each
of those in Kafka can be taken away and granted again.
"""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, Self
from uuid import uuid4

import psycopg
from click.testing import CliRunner, Result
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)

from services.broker.topics import FACTS_TOPIC, partition_counts, topic_name
from services.cli import cli
from services.settings import TOPIC_PREFIX_DEFAULT, Settings, load_settings
from tests.guarded_postgres import ADMINISTRATOR, OURS, WORKER, GuardedServer
from tests.kafka_broker import SCRAM
from tests.kafka_shared import SharedBroker
from tests.streaming_house import ROOT, StreamingHouse, Worker

OPERATIONS: Final = ROOT / "services" / "OPERATIONS.md"
_COMMANDS: Final = re.compile(r"<!-- rights -->\n```sh\n(.*?)```\n<!-- end -->", re.DOTALL)
_KINDS: Final = ("topic", "group", "transactional-id")
# Whoever has one of these may Describe too.
_IMPLY: Final = ("Read", "Write", "Alter")
_GROUP_DEFAULT: Final = "clearing-workers"


class Right(NamedTuple):
    """A right of a user as the page gives it. name: of the resource, or what it begins with."""

    user: str
    operation: str
    kind: str
    name: str
    is_prefix: bool = False


@cache
def page_rights() -> list[Right]:
    """The rights that the commands of the page grant."""
    (commands,) = _COMMANDS.findall(OPERATIONS.read_text("utf-8"))
    lines = commands.replace("\\\n", " ").splitlines()
    granting = [line for line in lines if line.startswith("$grant ")]
    assert len(granting) + 1 == len(lines), lines
    return [right for line in granting for right in _rights_of(line)]


def _rights_of(line: str) -> Iterator[Right]:
    parser = ArgumentParser()
    for flag in ("--allow-principal", "--resource-pattern-type"):
        parser.add_argument(flag)
    for flag in ("--operation", *(f"--{kind}" for kind in _KINDS)):
        parser.add_argument(flag, action="append", default=[])
    parser.add_argument("--cluster", action="store_const", const=["kafka-cluster"], default=[])
    words = parser.parse_args(shlex.split(line)[1:])
    user = words.allow_principal.removeprefix("User:")
    for kind in (*_KINDS, "cluster"):
        for name in getattr(words, kind.replace("-", "_")):
            for operation in words.operation:
                is_prefix = words.resource_pattern_type == "prefixed"
                yield Right(user, operation, kind, name, is_prefix)


class SecuredHouse(StreamingHouse):
    """A house whose settings are the administrator's; `as_user` gives those of the others."""

    def __init__(self, broker: SharedBroker, server: GuardedServer, directory: Path) -> None:
        self._guarded = server
        self._suffix = uuid4().hex[:8]
        self._plain = KafkaAdminClient(bootstrap_servers=broker.address)
        super().__init__(
            broker.sasl_tls_address,
            server,
            directory,
            security_protocol="SASL_SSL",
            tls_ca_file=OURS,
            publish_facts=True,
            **self.login(ADMINISTRATOR),
        )

    def __enter__(self) -> Self:
        for user in {right.user for right in page_rights()} | {"stranger"}:
            self.set_password(user, self.login(user)["sasl_password"])
        self.grant(*page_rights())
        super().__enter__()
        return self

    def login(self, user: str) -> dict[str, str]:
        """The settings by which a user of the page is known."""
        return {"sasl_username": f"{user}-{self._suffix}", "sasl_password": f"{user}'s word"}

    def as_user(self, user: str) -> Settings:
        """The settings of a user."""
        return load_settings(**self.settings.model_dump() | self._known_as(user))

    def run(self, user: str, *words: str, **settings: object) -> Result:
        """The command line in this process, by a user."""
        environment = self.environment(**self._known_as(user) | settings)
        return CliRunner(env=environment).invoke(cli, words)

    def start_secured(self, **settings: object) -> Worker:
        """A worker by its user."""
        return self.start_worker(**self._known_as("worker") | settings)

    def database_as(self, user: str, **parameters: str) -> str:
        """The URL of its database for a user, with these parameters of libpq."""
        role = ADMINISTRATOR if user == ADMINISTRATOR else WORKER
        return self._guarded.url_of(self._database, user=role, **parameters)

    def set_password(self, user: str, password: str) -> None:
        """Let a user prove who it is by this."""
        name = self.login(user)["sasl_username"]
        change = UserScramCredentialUpsertion(name, SCRAM, password)
        assert self._plain.alter_user_scram_credentials([change]) == {name: None}

    def grant(self, *rights: Right) -> None:
        """Grant rights of the page."""
        acls = [ACL(*self._principal(right), self._pattern(right)) for right in rights]
        assert not self._plain.create_acls(acls)["failed"]

    @contextmanager
    def without(self, *rights: Right) -> Iterator[None]:
        """Take rights away but for the Describe in them, and grant them again after the block."""
        implied = [one._replace(operation="Describe") for one in rights if one.operation in _IMPLY]
        self.grant(*implied)
        self._take(rights)
        yield
        self.grant(*rights)
        self._take(implied)

    def _take(self, rights: Sequence[Right]) -> None:
        filters = [ACLFilter(*self._principal(right), self._pattern(right)) for right in rights]
        taken = self._plain.delete_acls(filters)
        assert [len(matching) for _, matching, _ in taken] == [1] * len(rights)

    @contextmanager
    def locked_out(self) -> Iterator[None]:
        """End the connections of workers to the database, and let nobody of them in again."""
        self._guarded.set_password(WORKER, "another")
        self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'worker'"
        )
        yield
        self._guarded.set_password(WORKER)

    @contextmanager
    def without_insert(self) -> Iterator[None]:
        """Let workers append nothing to the journal."""
        with psycopg.connect(self._guarded.super_url(self._database), autocommit=True) as admin:
            admin.execute("REVOKE INSERT ON clearing.journal FROM clearing_writer")
            yield
            admin.execute("GRANT INSERT ON clearing.journal TO clearing_writer")

    def denial(self, right: Right) -> str:
        """What is said where a right is missing; of an id that begins as granted, its beginning."""
        user = self.login(right.user)["sasl_username"]
        kind = right.kind.replace("-", " ")
        return f"user {user} has no right {right.operation} on {kind} {self._named(right)}"

    def spoil_facts(self, *, partitions: int) -> None:
        """Let the topic of facts be empty and have so many partitions; 0: let it be missing."""
        name = topic_name(FACTS_TOPIC, self.name)
        self._plain.delete_topics([name], raise_errors=False)
        if partitions:
            self._plain.create_topics(
                {name: {"num_partitions": partitions, "replication_factor": 1}}
            )

    def _known_as(self, user: str) -> dict[str, str]:
        return self.login(user) | {"database": self.database_as(user)}

    def _principal(self, right: Right) -> tuple[str, str, ACLOperation, ACLPermissionType]:
        operation = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", right.operation).upper()
        user = self.login(right.user)["sasl_username"]
        return f"User:{user}", "*", ACLOperation[operation], ACLPermissionType.ALLOW

    def _pattern(self, right: Right) -> ResourcePattern:
        kind = ResourceType[right.kind.replace("-", "_").upper()]
        pattern = ACLResourcePatternType["PREFIXED" if right.is_prefix else "LITERAL"]
        return ResourcePattern(kind, self._named(right), pattern)

    def _named(self, right: Right) -> str:
        """The name of a resource, in this house."""
        if right.kind == "group":
            assert right.name == _GROUP_DEFAULT, right
            return self.name
        if right.kind == "cluster":
            return right.name
        assert right.name.startswith(f"{TOPIC_PREFIX_DEFAULT}."), right
        return self.name + right.name.removeprefix(TOPIC_PREFIX_DEFAULT)

    def _make_database(self) -> None:
        super()._make_database()
        self._guarded.allow(self._database)

    def _delete_topics(self) -> None:
        topics = sorted(partition_counts(self.name, with_facts=True))
        self._plain.delete_topics(topics, raise_errors=False)
        self._plain.close()


def rights(user: str, operation: str, kind: str = "topic") -> list[Right]:
    """Rights of the page, of one user and one sort."""
    chosen = [one for one in page_rights() if one[:3] == (user, operation, kind)]
    assert chosen, (user, operation, kind)
    return chosen
