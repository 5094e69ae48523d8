"""`clearing topics`: make the topics in Kafka, and say what about them is unsafe."""

from __future__ import annotations

import click

from services.broker.topics import FOR_EVER, MIN_INSYNC_DEFAULT, REPLICATION_DEFAULT
from services.console.doctor.finding import Finding
from services.console.example import example
from services.console.exit_codes import EXIT_LAW_BROKEN
from services.console.output import say
from services.console.settings_flags import settings_from, stop_on_settings_trouble, with_settings

_DEVELOPMENT = "One broker and one replica, to try things out: a lost disk loses commands."


@click.group(
    "topics",
    epilog=example(
        "clearing topics create --database postgresql://me@localhost/books",
        "clearing topics check --database postgresql://me@localhost/books",
    ),
)
def topics_command() -> None:
    """Make and check the topics of Kafka."""


@topics_command.command(
    "create",
    epilog=example(
        "clearing topics create --brokers kafka1:9092 --database postgresql://me@db/books",
        "clearing topics create --development --database postgresql://me@localhost/books",
    ),
)
@click.option(
    "--replication",
    type=click.IntRange(min=1),
    default=REPLICATION_DEFAULT,
    show_default=True,
    help="Brokers that hold each message.",
)
@click.option(
    "--min-insync",
    type=click.IntRange(min=1),
    default=MIN_INSYNC_DEFAULT,
    show_default=True,
    help="Of these, how many have it before it counts as sent.",
)
@click.option(
    "--retention-days",
    type=click.IntRange(min=FOR_EVER),
    default=FOR_EVER,
    show_default=True,
    help="How long messages are kept; -1: for ever.",
)
@click.option("--development", is_flag=True, help=_DEVELOPMENT)
@with_settings("database", "publish_facts")
def create_command(
    *,
    replication: int,
    min_insync: int,
    retention_days: int,
    development: bool,
    **flags: str | None,
) -> None:
    """Make the topics that are missing and record them.

    One partition for each shard; which is whose is recorded in Postgres with Kafka's id of the
    topic, so that workers notice a topic that was made anew. The same again changes nothing.
    """
    settings = settings_from(flags, needs_database=True)
    if min_insync > replication and not development:
        msg = f"--min-insync {min_insync} of --replication {replication}: nothing could be sent"
        raise click.UsageError(msg)
    from services.broker.topic_creation import TopicPlan, make_topics

    plan = TopicPlan(
        replication=1 if development else replication,
        min_insync=1 if development else min_insync,
        retention_days=retention_days,
    )
    with stop_on_settings_trouble():
        done = make_topics(settings, plan)
    say(done or ["nothing to do: the topics are there and recorded"])


@topics_command.command(
    "check", epilog=example("clearing topics check --database postgresql://me@localhost/books")
)
@click.option("--development", is_flag=True, help=_DEVELOPMENT)
@with_settings("database", "publish_facts")
def check_command(*, development: bool, **flags: str | None) -> None:
    """Say what about the topics is unsafe, and what to do.

    Exit code 1 when something is, 0 when only limits are told. Nothing is changed.
    """
    from services.broker.topic_safety import check_kafka
    from services.console.doctor.kafka import finding_of
    from services.journal.reader import Reader

    settings = settings_from(flags, needs_database=True)
    findings: list[Finding] = []
    with stop_on_settings_trouble(), Reader(str(settings.database)) as reader:
        for safety in check_kafka(settings, reader.inboxes(), heads=reader.heads()):
            finding = finding_of(safety, development=development)
            findings.append(finding)
            say([finding.text])
    if any(finding.verdict == "fail" for finding in findings):
        raise SystemExit(EXIT_LAW_BROKEN)
