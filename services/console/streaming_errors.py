"""What the commands that speak to a running clearinghouse have in common.

In: what was typed, what goes wrong. Out: fields by name; one line and an exit code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from services.console.exit_codes import Stopped
from services.console.settings_flags import settings_told_plainly
from services.feed.stall import Stalled


def pairs(given: Sequence[str], what: str) -> dict[str, str]:
    """`name=value`, several times, as a dictionary. Errors: a usage error about `what`."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            msg = f"{what}: expected name=value, found {text!r}"
            raise click.UsageError(msg)
        if name in found:
            msg = f"{what}: {name} is given twice"
            raise click.UsageError(msg)
        found[name] = value
    return found


def say_aside(text: str) -> None:
    """A line that is no result: on standard error."""
    click.echo(text, err=True)


@contextmanager
def stream_told_plainly() -> Iterator[None]:
    """Trouble of Kafka, the journal, settings or a wait inside becomes one line, exit code 2."""
    with settings_told_plainly():
        try:
            yield
        except Stalled as trouble:
            raise Stopped(str(trouble)) from trouble
