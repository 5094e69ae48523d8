"""`clearing publish`: facts from the journal into a topic, until it is told to end."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any, Final

import click

from services.console.example import example
from services.console.settings_flags import settings_from, stop_on_settings_trouble, with_settings

# On one machine with workers it waits for them, and not they for it.
_NICENESS: Final = 10


@click.command(
    "publish",
    epilog=example(
        "clearing publish --publish-facts --database postgresql://reader@db/books",
        "CLEARING_PUBLISH_FACTS=true clearing publish --settings clearing.toml --web-port 6068",
    ),
)
@with_settings("database", "publish_facts", "web_host", "web_port", "log_level")
def publish_command(**flags: Any) -> None:  # noqa: ANN401 - click hands over any flag
    """Publish the facts of the journal to a topic of Kafka, as workers write them.

    In order for each shard, without gaps, also after it was killed: it goes on after the last fact
    in Kafka. Start two, on two machines: one publishes, the other stands by. The topic is made by
    `clearing topics create --publish-facts`. SIGTERM ends it.
    """
    from services.journal.reader import Reader
    from services.worker.app import run_worker
    from services.worker.fact_host import FactHost

    settings = settings_from(flags, needs_database=True)
    if not settings.publish_facts:
        msg = "publish_facts is off: give --publish-facts, here and with `clearing topics create`"
        raise click.UsageError(msg)
    with stop_on_settings_trouble(), Reader(str(settings.database)):
        os.nice(_NICENESS)
    sys.exit(run_worker(settings, partial(FactHost, settings=settings)))
