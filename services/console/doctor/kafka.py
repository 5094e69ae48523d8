"""The doctor's look at Kafka: reachable, topics, clocks, codecs.

In: settings, and the database if there is one. Out: findings. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import aiokafka.codec
from kafka import TopicPartition
from kafka.admin import OffsetSpec

from services.broker.topic_safety import Safety, check_kafka
from services.broker.topic_state import ask_admin, existing_topics
from services.broker.topics import partition_counts
from services.broker.trouble import BrokerRefused, BrokerTrouble
from services.console.doctor.finding import INSTALL_AGAIN, SET_CLOCKS, Finding, expect
from services.journal.reader import Head, Inbox, Reader
from services.journal.trouble import JournalTrouble, SchemaMissing
from services.settings import Settings, SettingsTrouble

_PATIENCE_S: Final = 5.0
# Below it nobody notices; above, "how long ago" on the dashboards is wrong by as much.
_CLOCK_MS_MAX: Final = 1_000
_SAMPLE: Final = b"clearing " * 64
CODECS: Final = ("gzip", "snappy", "lz4", "zstd")


def check_broker(settings: Settings, database: str | None) -> Iterator[Finding]:
    """Everything about Kafka, if somebody has said where it is."""
    if "brokers" not in settings.model_fields_set:
        advice = "give --brokers host:port or set CLEARING_BROKERS, and it is looked at too"
        yield Finding("ok", "Kafka", "not asked about", advice)
        return
    yield check_codecs()
    if settings.sasl_mechanism == "PLAIN" and settings.security_protocol == "SASL_PLAINTEXT":
        actual = "SASL PLAIN without TLS: the password crosses the network as it is"
        advice = "set security_protocol=SASL_SSL, or use SCRAM"
        yield Finding("warn", "Kafka login", actual, advice)
    try:
        yield from _cluster(settings, database)
        yield _clock(settings)
    except SettingsTrouble as trouble:
        yield Finding("fail", "settings", str(trouble))
    except BrokerTrouble as trouble:
        what = "Kafka login" if isinstance(trouble, BrokerRefused) else "Kafka reachable"
        actual, _, advice = str(trouble).partition(" — ")
        yield Finding("fail", what, actual, advice)


def check_codecs() -> Finding:
    """That aiokafka reads every codec a producer may use; else a worker stops at every start.

    kafka-python reads no messages here.
    """
    broken = [name for name in CODECS if not _round_trips(name)]
    actual = f"aiokafka cannot read {', '.join(broken)}" if broken else ", ".join(CODECS)
    return expect("codecs", actual, is_good=not broken, advice=INSTALL_AGAIN)


def finding_of(safety: Safety, *, development: bool = False) -> Finding:
    """A line of what is safe. development: what one broker cannot have is only told."""
    if safety.verdict != "loose":
        return Finding(safety.verdict, safety.what, safety.detail, safety.advice)
    if development:
        return Finding("warn", safety.what, safety.detail, safety.advice)
    advice = f"{safety.advice}; to try things out: --development"
    return Finding("fail", safety.what, safety.detail, advice)


def _round_trips(name: str) -> bool:
    """Whether a codec gives back what it was given; without its package it raises one of these."""
    try:
        packed = getattr(aiokafka.codec, f"{name}_encode")(_SAMPLE)
        return bytes(getattr(aiokafka.codec, f"{name}_decode")(packed)) == _SAMPLE
    except (NotImplementedError, RuntimeError, AttributeError):
        return False


def _cluster(settings: Settings, database: str | None) -> Iterator[Finding]:
    recorded: list[Inbox] = []
    heads: dict[str, Head] = {}
    if database is not None:
        # Where there is no journal yet, the next finding says what makes one.
        try:
            with suppress(SchemaMissing), Reader(database) as reader:
                recorded, heads = reader.inboxes(), reader.heads()
        except JournalTrouble as trouble:
            yield Finding("warn", "recorded table", f"cannot be read: {trouble}")
    for safety in check_kafka(settings, recorded, heads=heads, patience_s=_PATIENCE_S):
        # What one broker cannot have is for `clearing topics check` to insist on.
        yield finding_of(safety, development=True)


def _clock(settings: Settings) -> Finding:
    """Kafka tells no time; but no message can have come to it later than now."""
    newest_ms = ask_admin(
        settings, lambda admin: _newest_ms(admin, settings.topic_prefix), patience_s=_PATIENCE_S
    )
    if newest_ms is None:
        return Finding("ok", "clock of Kafka", "no message yet to tell it by")
    ahead_ms = newest_ms - int(datetime.now(UTC).timestamp() * 1000)
    if ahead_ms > _CLOCK_MS_MAX:
        actual = f"at least {ahead_ms / 1000:.1f} s ahead of this machine's"
        return Finding("warn", "clock of Kafka", actual, SET_CLOCKS)
    return Finding("ok", "clock of Kafka", "its newest message is not of the future")


def _newest_ms(admin: Any, prefix: str) -> int | None:  # noqa: ANN401 - an untyped client
    requests = {
        TopicPartition(topic.name, number): OffsetSpec.MAX_TIMESTAMP
        for topic in existing_topics(admin, partition_counts(prefix)).values()
        for number in range(topic.partitions)
    }
    offsets = admin.list_partition_offsets(requests) if requests else {}
    times = [offset.timestamp for offset in offsets.values()]
    return max((time for time in times if time >= 0), default=None)
