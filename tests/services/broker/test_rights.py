"""A market on Kafka and Postgres with TLS and SCRAM, with exactly the rights of OPERATIONS.

Each right in Kafka is taken away once: somebody says which it was, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from services.broker.connecting import producer_options, started
from services.broker.fact_messages import last_fact
from services.broker.topics import fact_partitions, facts_of, partition_of
from services.broker.trouble import BrokerRefused
from services.feed.command_text import Composed, compose
from services.feed.delivered import delivered_lines
from services.feed.inboxes import RecordedInboxes
from services.feed.sending import send
from services.feed.stall import StallTimer
from services.journal.fed_sources import FedSource
from services.journal.reader import Reader
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from services.worker.clock import SessionClock
from services.worker.fact_host import FactHost
from tests.alert_rules import firing
from tests.bench.market import DAY, closing, opening, trades
from tests.guarded_postgres import OTHER, GuardedServer
from tests.kafka_broker import CERTIFICATE, free_ports
from tests.kafka_shared import SharedBroker
from tests.scraper import page
from tests.services.broker.secured_house import Right, SecuredHouse, page_rights, rights
from tests.services.worker.fact_readers import journal_facts, kafka_facts
from tests.services.worker.test_shards_agree import embedded_hashes
from tests.streaming_house import Worker
from tests.waiting import until

if TYPE_CHECKING:
    from settlement.control_books import ControlBooks

SIT: Final = "market/SIT"
BEGUN: Final = [*opening(4)]
AT: Final = f"at={DAY}T20:30:00Z"
CLOCK: Final = compose("advance_clock", {"at": f"{DAY}T20:30:00Z"})
DEPOSIT: Final = compose(
    "deposit_collateral",
    {"reference": "r", "account": "A0000000", "asset": "USD", "amount_cents": "1"}
    | {"at": f"{DAY}T20:30:00Z"},
)
# By the end of a topic's name a command that is sent there.
COMMANDS: Final = {
    "control": ("advance_clock", AT),
    "market": ("report_provider_volume", "product=SIT", "provider=p", "tokens=1", AT),
    "member": (
        "deposit_collateral", "reference=r", "account=A0000000", "asset=USD", "amount_cents=1", AT,
    ),
}  # fmt: skip
NEVER_FED: Final = FedSource(
    0, 0, first=1, line=0, lines=0, sha256=b"", products=[], sent={}, is_whole=False
)


@pytest.fixture
def house(
    guarded: SharedBroker, guarded_postgres: GuardedServer, tmp_path: Path
) -> Iterator[SecuredHouse]:
    """A house whose users have the rights of the page."""
    with SecuredHouse(guarded, guarded_postgres, tmp_path) as house:
        yield house


def feed(house: SecuredHouse, user: str, lines: list[bytes], tmp_path: Path) -> str:
    """Feed a file of a name of its own as a user; what was said."""
    path = tmp_path / f"{uuid4().hex}.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return house.run(user, "feed", str(path), "--timeout", "60").output


def until_said(worker: Worker, *texts: str) -> None:
    """Wait until a worker has said all of this."""
    log = worker.log
    until(lambda: all(text in log.read_text("utf-8") for text in texts), f"{texts} in {log}")


def until_ready(port: int, status: int) -> None:
    """Wait until readiness of the whole is this."""
    until(lambda: page(port, "readyz/all")[0] == status, f"readiness {status} at {port}")


@contextmanager
def alarmed(port: int, by: str) -> Iterator[None]:
    """In this block an alert comes to fire that was silent: something is refused."""
    before = page(port, "metrics")[1]
    label = f'clearing_access_denied_total{{by="{by}"}}'

    def is_raised() -> bool:
        text = page(port, "metrics")[1]
        counts = [line for line in text.splitlines() if line.startswith(label)]
        fires = "ClearingAccessDenied" in firing({"w": text}, {"w": before})
        return fires and counts[0] not in before

    yield
    until(is_raised, f"an alert that {by} refuses something")


def test_a_market_is_cleared_with_exactly_the_rights_of_the_page(
    house: SecuredHouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ports, traded = free_ports(2), [*trades(60, 4)]
    for port in ports:
        house.start_secured(web_port=port)
    assert f"fed {len(BEGUN)} lines" in feed(house, "operator", BEGUN, tmp_path)
    assert "fed 60 lines" in feed(house, "feed", traded, tmp_path)
    sent = house.run("operator", "send", *COMMANDS["control"])
    assert sent.exit_code == 0, sent.output
    feed(house, "operator", [closing()], tmp_path)
    for port in ports:
        until_ready(port, 200)
    expected = embedded_hashes([*BEGUN, *traded, CLOCK.line, closing()])
    assert len(expected) >= 3
    assert house.day_hashes() == expected
    for words in (
        ("verify",),
        ("report", "members"),
        ("doctor",),
        ("topics", "check", "--development"),
    ):
        looked = house.run("administrator", *words)
        assert looked.exit_code == 0, looked.output
    asyncio.run(published(house))
    assert kafka_facts(house.as_user("consumer"), SIT) == journal_facts(house.url, SIT)
    # The administrator last: without its rights the topic of facts is made anew.
    for right in sorted(page_rights(), key=lambda right: right.user == "administrator"):
        if right.user != "worker":
            with house.without(right):
                text = " ".join(said_without(right, house, tmp_path, caplog).split())
                assert lack(right, house) in text, (right, text)


def lack(right: Right, house: SecuredHouse) -> str:
    """What is said where a right is missing."""
    if right.operation == "DescribeConfigs":
        return "this user may not read the settings"
    if right[:2] == ("feed", "Write"):
        return "has no right Write on any topic"
    return house.denial(right)


def said_without(
    right: Right, house: SecuredHouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> str:
    """What a user is told who does what a right is for."""
    if right.user == "administrator":
        if right.operation == "DescribeConfigs":
            return house.run(right.user, "topics", "check", "--development").output
        house.spoil_facts(partitions=0 if right.operation == "Create" else 1)
        return house.run(right.user, "topics", "create", "--development").output
    if right.user == "publisher":
        caplog.clear()
        house.spoil_facts(partitions=len(fact_partitions()))
        asyncio.run(refused_publisher(house, caplog))
        return caplog.text
    if right.user == "consumer":
        return refusal(last_fact(house.as_user(right.user), facts_of(SIT, house.name)))
    if right.user == "operator" and right.operation == "Write":
        return house.run(right.user, "send", *COMMANDS[right.name.partition(".")[2]]).output
    if right.operation == "Read":
        return refusal(fed_before(house, right.user))
    return feed(house, right.user, [*trades(1, 4)], tmp_path)


async def published(house: SecuredHouse) -> None:
    """A publisher runs until all facts are in Kafka."""
    settings = house.as_user("publisher")
    host = FactHost(lambda: None, settings=settings)
    await host.start()
    try:
        for shard in (CONTROL_SHARD, SIT, MEMBER_SHARD):
            partition, end = facts_of(shard, house.name), journal_facts(house.url, shard)[-1][1:]
            async with asyncio.timeout(60):
                while await last_fact(settings, partition) != end:  # noqa: ASYNC110 - Kafka
                    await asyncio.sleep(0.05)
    finally:
        await host.stop()


async def refused_publisher(house: SecuredHouse, caplog: pytest.LogCaptureFixture) -> None:
    """A publisher runs until it is refused."""
    host = FactHost(lambda: None, settings=house.as_user("publisher"))
    await host.start()
    try:
        async with asyncio.timeout(60):
            while "facts wait: BrokerRefused" not in caplog.text:  # noqa: ASYNC110 - a log
                await asyncio.sleep(0.05)
    finally:
        await host.stop()
    assert host.failure is None


def fed_before(house: SecuredHouse, user: str) -> Coroutine[Any, Any, object]:
    """What a feed that was ended looks for when it goes on."""
    with Reader(house.url) as reader:
        ends = RecordedInboxes(house.as_user(user), reader).ends()
    return delivered_lines(house.as_user(user), NEVER_FED, ends=ends)


def refusal(doing: Coroutine[Any, Any, object]) -> str:
    """What is said when Kafka refuses something."""
    with pytest.raises(BrokerRefused) as refused:
        asyncio.run(doing)
    return str(refused.value)


def test_a_worker_says_which_right_it_lacks_waits_and_loses_nothing(
    house: SecuredHouse, tmp_path: Path
) -> None:
    (port,), traded = free_ports(1), [*trades(60, 4)]
    worker = house.start_secured(web_port=port)
    reads, writes = rights("worker", "Read"), rights("worker", "Write")
    looks, joins = rights("worker", "DescribeConfigs"), rights("worker", "Read", "group")
    assert sorted([*reads, *writes, *looks, *joins]) == sorted(
        right for right in page_rights() if right.user == "worker"
    )
    feed(house, "operator", BEGUN, tmp_path)
    until_ready(port, 200)
    with house.without(*reads):
        with alarmed(port, "Kafka"):
            feed(house, "feed", traded, tmp_path)
        until_said(worker, *map(house.denial, reads))
        until_ready(port, 503)
    until_ready(port, 200)
    with house.without(*looks), alarmed(port, "Kafka"):
        until_said(worker, "no right DescribeConfigs on topic")
    with house.without(*joins), alarmed(port, "Kafka"):
        until_said(worker, *map(house.denial, joins))
        until_ready(port, 503)
    until_ready(port, 200)
    control, market, member = sorted(writes)
    with house.without(control):
        assert house.denial(control) in refusal(tick(house))
    with ThreadPoolExecutor(1) as pool:
        with house.without(member):
            with house.without(market), alarmed(port, "Kafka"):
                sending = pool.submit(send_command, house, CLOCK)
                until_said(worker, house.denial(market))
                until_ready(port, 503)
            until_said(worker, house.denial(member))
        sending.result(60)
        with house.without_insert(), alarmed(port, "Postgres"):
            sending = pool.submit(send_command, house, DEPOSIT)
            until_said(worker, "RightsMissing, loads anew: ", "permission denied for table journal")
            until_ready(port, 503)
        sending.result(60)
    with house.locked_out():
        until_said(worker, "password authentication failed for user")
        until_ready(port, 503)
    feed(house, "operator", [closing()], tmp_path)
    until_ready(port, 200)
    lines = [*BEGUN, *traded, CLOCK.line, DEPOSIT.line, closing()]
    assert house.day_hashes() == embedded_hashes(lines)
    assert worker.is_alive


async def tick(house: SecuredHouse) -> None:
    """A worker's clock sends the time, in an open session."""
    session = SimpleNamespace(business_date=DAY, is_time_in_range=lambda _: True)
    clock = SessionClock(house.as_user("worker"))
    await clock.advance(partition_of(CONTROL_SHARD, house.name), cast("ControlBooks", session))


def send_command(house: SecuredHouse, command: Composed) -> None:
    """An operator's command; it is back when every shard that has to know it does."""
    stall = StallTimer(lambda _: None, timeout_s=60)
    send(house.as_user("operator"), command, stall=stall, on_answer=lambda _: None)


def test_who_is_not_let_in_is_told_why_at_the_start(house: SecuredHouse) -> None:
    expired = CERTIFICATE.with_name("expired.pem")
    unvouched = house.database_as("worker", sslrootcert=str(OTHER))
    guessed = house.database_as("worker", password="a guess")  # noqa: S106 - it is wrong
    away = "^Error: cannot connect to the database: .*"
    with tls_server(expired) as port:
        changes: list[tuple[str, dict[str, object], str]] = [
            ("worker", {"sasl_password": "wrong"}, "invalid credentials.*see .*sasl_password"),
            ("worker", {"tls_ca_file": OTHER}, "certificate verify failed.*see tls_ca_file"),
            ("worker", {"tls_ca_file": expired, "brokers": f"localhost:{port}"}, "has expired"),
            ("worker", {"database": unvouched}, f"{away} certificate verify failed.*certificates"),
            ("worker", {"database": guessed}, f"{away} password authentication.*see.* password"),
            ("stranger", {}, f"user stranger-.* no right Describe on topic {house.name}.control"),
        ]
        for user, settings, text in changes:
            ended = house.run(user, "worker", **settings)
            assert ended.exit_code == 2, ended.output
            assert re.search(text, " ".join(ended.output.split())), ended.output
            assert "a guess" not in ended.output


def test_who_may_write_to_inboxes_opens_no_transaction_there(house: SecuredHouse) -> None:
    settings = house.as_user("operator")
    options = producer_options(settings) | {"transactional_id": "mine"}
    with pytest.raises(BrokerRefused, match="no right Write on transactional id mine"):
        asyncio.run(started(lambda: AIOKafkaProducer(**options), settings))


@contextmanager
def tls_server(certificate: Path) -> Iterator[int]:
    """The port of a server that shows a certificate and says nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with suppress(ssl.SSLError):
                        context.wrap_socket(listening.accept()[0], server_side=True).close()

        Thread(target=serve, daemon=True).start()
        yield int(listening.getsockname()[1])
