"""`clearing worker`: the shards of the partitions that Kafka assigns, until it is told to end."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import click

from services.console.example import example
from services.console.settings_flags import settings_from, stop_on_settings_trouble, with_settings


@click.command(
    "worker",
    epilog=example(
        "clearing worker --database postgresql://clearing@db/clearing --brokers kafka:9092",
        "clearing worker --settings clearing.toml --web-port 6067",
    ),
)
@with_settings(
    "database", "group", "worker_name", "session_timeout_ms", "heartbeat_interval_ms",
    "batch_messages", "batch_interval_ms", "writer_timeout_s", "clock_interval_s", "web_host",
    "web_port", "log_level",
)  # fmt: skip
def worker_command(**flags: Any) -> None:  # noqa: ANN401 - click hands over any flag
    """Clear what feeds put into Kafka, together with other workers.

    Start as many as there are machines; each shard is on exactly one, and moves when one ends.
    SIGTERM ends within one batch. Exit code 0 then; 1 when something is wrong that loading anew
    does not mend, the last line of log says what; 2 when Kafka or Postgres cannot be reached.
    """
    from services.journal.migrate import migrate
    from services.worker.app import run_worker
    from services.worker.host import ShardHost, check_topics

    settings = settings_from(flags, needs_database=True)
    assert settings.database is not None, flags
    with stop_on_settings_trouble():
        migrate(settings.database)
        check_topics(settings, settings.database)
    hosting = partial(ShardHost, settings=settings, database=settings.database)
    sys.exit(run_worker(settings, hosting))
