"""Makes the topics and records in Postgres which partition is the inbox of which shard.

In: settings, a plan. Out: topics that never delete a message unless the plan says so, and their
rows in `clearing.inbox`, or TopicsUnfit. A second run changes nothing; after a crash half way it
does what is missing. A topic that was recorded and is gone is never made again: it would have
another history. The topic of facts, made if the settings ask for it, is not recorded: it may be
made again, and all facts are published anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final

from services.broker.topic_state import (
    TopicState,
    existing_topics,
    foreign_differences,
    topics_admin,
)
from services.broker.topics import (
    FOR_EVER,
    MIN_INSYNC_DEFAULT,
    REPLICATION_DEFAULT,
    partition_counts,
    shard_partitions,
)
from services.broker.trouble import TopicsUnfit, broker_translated
from services.journal.connecting import connect
from services.journal.inboxes import record_inboxes, refuse_embedded
from services.journal.migrate import migrate
from services.journal.reader import Inbox, Reader
from services.settings import Settings

DAY_MS: Final = 86_400_000
# A command has at most 64 KiB; a producer packs many into one batch, which this bounds.
MESSAGE_BYTES_MAX: Final = 1 << 20
_SHOWN_S_MAX: Final = 30.0
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """The settings of new topics. retention_days: -1 keeps messages for ever."""

    replication: int = REPLICATION_DEFAULT
    min_insync: int = MIN_INSYNC_DEFAULT
    retention_days: int = FOR_EVER

    @property
    def configs(self) -> dict[str, str]:
        """The topics' own settings. Kafka's clock dates messages: a feed's may be wrong."""
        is_for_ever = self.retention_days == FOR_EVER
        retention_ms = FOR_EVER if is_for_ever else self.retention_days * DAY_MS
        return {
            "cleanup.policy": "delete",
            "min.insync.replicas": str(self.min_insync),
            "retention.ms": str(retention_ms),
            "retention.bytes": str(FOR_EVER),
            "max.message.bytes": str(MESSAGE_BYTES_MAX),
            "message.timestamp.type": "LogAppendTime",
            "unclean.leader.election.enable": "false",
        }


def make_topics(settings: Settings, plan: TopicPlan) -> list[str]:
    """Make what is missing and record it; gives what was done, in words.

    Errors: BrokerTrouble, JournalTrouble (FedOtherwise: a file was cleared into this database).
    """
    database = settings.database
    assert database is not None, "topics are recorded in a database that is named"
    prefix = settings.topic_prefix
    counts = partition_counts(prefix, with_facts=settings.publish_facts)
    recorded = _recorded(database)
    with topics_admin(settings) as admin:
        topics = existing_topics(admin, counts)
        differences = (
            foreign_differences(recorded, topics, prefix=prefix)
            if recorded
            else _unfit_to_adopt(topics, partition_counts(prefix))
        )
        if differences:
            raise TopicsUnfit("; ".join(differences))
        with broker_translated("making topics", settings, right="Create"):
            done = _make_missing(admin, plan, topics=topics, counts=counts)
        with broker_translated("adding partitions", settings, right="Alter"):
            done += _add_partitions(admin, topics, counts=counts)
        topics = _when_shown(admin, counts)
    inboxes = [
        Inbox(partition.shard, partition.topic, partition.number, topics[partition.topic].topic_id)
        for partition in shard_partitions(prefix)
    ]
    new = record_inboxes(database, inboxes)
    done += [f"recorded {inbox.topic}/{inbox.partition} for {inbox.shard}" for inbox in new]
    return done


def _recorded(database: str) -> list[Inbox]:
    """The recorded inboxes of a database that is migrated and that Kafka may feed."""
    migrate(database)
    with connect(database) as connection:
        refuse_embedded(connection)
    with Reader(database) as reader:
        return reader.inboxes()


def _unfit_to_adopt(topics: Mapping[str, TopicState], counts: Mapping[str, int]) -> list[str]:
    """Why topics that exist already cannot be used as inboxes."""
    return [
        f"topic {name} is there already, with {topics[name].partitions} partitions instead of "
        f"{count}: somebody else made it; delete it, or choose another topic_prefix"
        for name, count in counts.items()
        if name in topics and topics[name].partitions != count
    ]


def _make_missing(
    admin: Any,  # noqa: ANN401 - an untyped client
    plan: TopicPlan,
    *,
    topics: Mapping[str, TopicState],
    counts: Mapping[str, int],
) -> list[str]:
    missing = {name: count for name, count in counts.items() if name not in topics}
    if not missing:
        return []
    brokers = len(admin.describe_cluster()["brokers"])
    if brokers < plan.replication:
        msg = (
            f"{plan.replication} replicas need as many brokers and there are {brokers}: start more "
            "of them, or try things out with --development"
        )
        raise TopicsUnfit(msg)
    made = {
        name: {
            "num_partitions": count,
            "replication_factor": plan.replication,
            "configs": plan.configs,
        }
        for name, count in missing.items()
    }
    admin.create_topics(made)
    admin.wait_for_topics(list(made))
    return [f"made topic {name}, partitions: {count}" for name, count in missing.items()]


def _add_partitions(
    admin: Any,  # noqa: ANN401 - an untyped client
    topics: Mapping[str, TopicState],
    *,
    counts: Mapping[str, int],
) -> list[str]:
    """Partitions for products that came with a newer program."""
    grown = {
        name: count
        for name, count in counts.items()
        if name in topics and topics[name].partitions < count
    }
    if grown:
        admin.create_partitions(grown)
    return [f"topic {name} has {count} partitions now" for name, count in grown.items()]


def _when_shown(
    admin: Any,  # noqa: ANN401 - an untyped client
    counts: Mapping[str, int],
) -> dict[str, TopicState]:
    """The topics, once brokers describe all partitions: they do so after they confirm the creation.

    Errors: TopicsUnfit.
    """
    deadline = monotonic() + _SHOWN_S_MAX
    while True:
        topics = existing_topics(admin, counts)
        behind = [
            name
            for name, count in counts.items()
            if name not in topics or topics[name].partitions < count
        ]
        if not behind:
            return topics
        if monotonic() > deadline:
            msg = f"{', '.join(behind)} were made, and brokers do not show them: try again"
            raise TopicsUnfit(msg)
        sleep(_POLL_S)
