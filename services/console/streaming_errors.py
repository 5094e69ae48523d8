"""Arguments and errors of the commands that speak to a running clearinghouse.

In: `name=value` arguments; errors of Kafka, Postgres, settings. Out: fields by name; one line and
an exit code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from services.console.exit_codes import Stopped
from services.console.settings_flags import stop_on_settings_trouble


def pairs(given: Sequence[str], what: str) -> dict[str, str]:
    """`name=value`, several times, as a dictionary. Errors: a usage error about `what`."""
    fields: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            msg = f"{what}: expected name=value, found {text!r}"
            raise click.UsageError(msg)
        if name in fields:
            msg = f"{what}: {name} is given twice"
            raise click.UsageError(msg)
        fields[name] = value
    return fields


def say_on_stderr(text: str) -> None:
    """A line that is no result: on standard error."""
    click.echo(text, err=True)


@contextmanager
def stop_on_stream_trouble() -> Iterator[None]:
    """Trouble of Kafka, the journal, settings or a wait inside becomes one line, exit code 2."""
    from services.feed.stall import Stalled

    with stop_on_settings_trouble():
        try:
            yield
        except Stalled as trouble:
            raise Stopped(str(trouble)) from trouble
