"""Reaching a real broker: codecs, SASL/SCRAM, TLS, one that starts late, and one that is not."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from socket import gethostname
from threading import Timer
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest

from services.broker.connecting import (
    broker_ready,
    client_options,
    consumer_options,
    producer_options,
    started,
    tls_context,
)
from services.broker.topic_state import topics_admin
from services.broker.trouble import BrokerRefused, BrokerUnreachable
from services.settings import Settings, SettingsTrouble, load_settings
from tests.guarded_postgres import OTHER, OURS
from tests.kafka_broker import CERTIFICATE, LocalBroker, free_ports
from tests.kafka_shared import SharedBroker
from tests.services.broker.passing import LINES, make_topic, read, sent_and_read


def ready(settings: Settings, *, patience_s: float = 30.0, **changed: object) -> None:
    """Look for a broker under these settings, some of them changed."""
    changed_settings = settings.model_copy(update=changed)
    asyncio.run(broker_ready(changed_settings, patience_s=patience_s))


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_a_topic_of_any_codec_is_read_by_a_consumer_of_ours(
    streams: Settings, codec: str | None
) -> None:
    topic = f"{streams.topic_prefix}.control"
    make_topic(streams, topic)
    assert sent_and_read(streams, topic, codec=codec) == LINES


def test_scram_lets_a_known_user_in(scram: Settings) -> None:
    topic = f"by-scram-{uuid4().hex[:12]}"
    make_topic(scram, topic)
    assert sent_and_read(scram, topic) == LINES


def test_scram_over_tls_lets_a_known_user_in(scram_tls: Settings) -> None:
    topic = f"by-tls-{uuid4().hex[:12]}"
    make_topic(scram_tls, topic)
    assert sent_and_read(scram_tls, topic) == LINES


@pytest.mark.parametrize("user", ["alice", "nobody"])
def test_a_wrong_password_or_user_is_refused_at_once(scram: Settings, user: str) -> None:
    wrong = load_settings(**scram.model_dump() | {"sasl_username": user, "sasl_password": "wrong"})
    with pytest.raises(BrokerRefused, match=r"invalid credentials.*sasl_password"):
        asyncio.run(broker_ready(wrong))


def test_a_mechanism_that_the_broker_does_not_have_is_refused(scram: Settings) -> None:
    with pytest.raises(BrokerRefused, match="see sasl_mechanism"):
        ready(scram, sasl_mechanism="PLAIN")


def test_a_broker_whose_certificate_nobody_vouches_for_is_refused(scram_tls: Settings) -> None:
    with pytest.raises(BrokerRefused, match=r"certificate verify failed.*tls_ca_file"):
        ready(scram_tls, tls_ca_file=OTHER)


def test_who_speaks_without_tls_or_user_to_such_a_broker_is_told_what_to_see(
    guarded: SharedBroker,
) -> None:
    for address in (guarded.sasl_address, guarded.sasl_tls_address):
        with pytest.raises(BrokerUnreachable, match=f"{address}.*security_protocol"):
            ready(load_settings(brokers=address), patience_s=1.0)


def test_a_broker_that_is_not_there_is_named_and_what_to_do() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    settings = load_settings(brokers=f"{address},no.such.host.invalid:9092")
    with pytest.raises(BrokerUnreachable) as trouble:
        asyncio.run(broker_ready(settings, patience_s=0.1))
    for text in (address, "no.such.host.invalid:9092", "see that Kafka runs there"):
        assert text in str(trouble.value)


def test_one_broker_that_answers_is_enough(broker: str) -> None:
    missing = f"127.0.0.1:{free_ports(1)[0]}"
    ready(load_settings(brokers=f"{missing},{broker}"))


def test_who_gives_up_while_it_connects_leaves_no_connection_open(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, asked = load_settings(brokers=broker), list[type]()
    send, is_asking = AIOKafkaConnection.send, asyncio.Event()

    def noted(self: AIOKafkaConnection, request: object, **options: object) -> object:
        asked.append(type(request))
        # The first one looks whether the broker is ready; the second is the producer's own.
        if asked.count(MetadataRequest) > 1:
            is_asking.set()
        return send(self, request, **options)

    async def given_up() -> None:
        starting = asyncio.create_task(
            started(lambda: AIOKafkaProducer(**producer_options(settings)), settings)
        )
        await is_asking.wait()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    monkeypatch.setattr(AIOKafkaConnection, "send", noted)
    asyncio.run(given_up())
    # An open one would warn here, and a warning is an error.
    gc.collect()


def test_who_comes_while_the_broker_is_down_waits_for_it(lonely_broker: LocalBroker) -> None:
    settings = load_settings(brokers=lonely_broker.address)
    make_topic(settings, "kept")
    lonely_broker.kill()
    later = Timer(1.0, lonely_broker.restart)
    later.start()
    try:
        # Producer ids and coordinators load for some seconds more: idempotence waits for them.
        assert sent_and_read(settings, "kept") == LINES
    finally:
        later.join()


def test_a_killed_broker_keeps_what_it_acknowledged(lonely_broker: LocalBroker) -> None:
    settings = load_settings(brokers=lonely_broker.address)
    make_topic(settings, "kept")
    sent_and_read(settings, "kept")
    lonely_broker.kill()
    lonely_broker.restart()
    with topics_admin(settings) as admin:
        assert "kept" in admin.list_topics()
    assert read(settings, "kept") == LINES


def test_a_consumer_reads_only_what_is_committed_and_never_guesses_a_position() -> None:
    options = consumer_options(load_settings(group="mine"))
    assert options["isolation_level"] == "read_committed"
    assert options["auto_offset_reset"] == "none"
    assert options["enable_auto_commit"] is False
    assert options["group_id"] == "mine"


def test_a_producer_neither_loses_nor_doubles() -> None:
    options = producer_options(load_settings())
    assert (options["enable_idempotence"], options["acks"]) == (True, "all")


def test_plain_options_hold_no_secret_and_no_tls() -> None:
    assert client_options(load_settings(brokers="a:1,b:2", worker_name="w1"), "feed") == {
        "bootstrap_servers": ["a:1", "b:2"],
        "client_id": "clearing-feed-w1",
        "security_protocol": "PLAINTEXT",
    }


def test_without_a_name_a_client_is_called_by_its_host_and_process() -> None:
    name = client_options(load_settings())["client_id"]
    assert name == f"clearing-client-{gethostname()}-{os.getpid()}"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tls_ca_file": "/nowhere.pem"}, "tls_ca_file: cannot use /nowhere.pem"),
        ({"tls_ca_file": __file__}, "tls_ca_file: cannot use"),
        ({"tls_cert_file": OURS, "tls_key_file": OURS}, "tls_cert_file, tls_key_file"),
    ],
)
def test_a_tls_file_that_is_none_is_named(files: dict[str, Path], message: str) -> None:
    with pytest.raises(SettingsTrouble, match=message):
        tls_context(load_settings(security_protocol="SSL", **files))


def test_our_own_certificate_is_taken() -> None:
    files = {"tls_ca_file": OURS, "tls_cert_file": CERTIFICATE, "tls_key_file": CERTIFICATE}
    context = tls_context(load_settings(security_protocol="SSL", **files))
    assert context.check_hostname
