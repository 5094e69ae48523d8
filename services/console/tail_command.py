"""`clearing tail`: facts as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import click

from services.console.example import example
from services.console.output import open_stdout
from services.console.settings_flags import settings_from, with_settings
from services.console.streaming_errors import stop_on_stream_trouble

if TYPE_CHECKING:
    from services.feed.fact_tail import FactTail

# How late a fact may be shown; cycles and control commands are shown at once.
_POLL_S: Final = 0.2


@click.command(
    "tail",
    epilog=example(
        "clearing tail --database postgresql://me@localhost/books",
        "clearing tail --shard market/SIT --from-start --until-idle 2 > facts.jsonl",
        "clearing tail --from market/SIT:12 --from control/0:3",
    ),
)
@click.option(
    "--shard", "shards", multiple=True, metavar="S", help="Only of this shard; several times."
)
@click.option("--from-start", is_flag=True, help="Show also what is in the journal already.")
@click.option(
    "--from",
    "cursors",
    multiple=True,
    metavar="SHARD:SEQ",
    help="Only of this shard, what comes after this row; several times, for several shards.",
)
@click.option(
    "--until-idle", type=click.FloatRange(0), metavar="S",
    help="End when nothing has come for so many seconds.  [default: go on]",
)  # fmt: skip
@with_settings("database")
def tail_command(
    *,
    shards: Sequence[str],
    from_start: bool,
    cursors: Sequence[str],
    until_idle: float | None,
    **flags: Any,  # noqa: ANN401 - click hands over any flag
) -> None:
    """Show facts as JSON lines while they come.

    In order for each shard. They come from the journal: what is shown is durable. A fact names its
    shard and row (`shard`, `seq`): `--from` goes on after a row, which may be days ago. Ctrl-C ends
    it.
    """
    from services.feed.fact_tail import FactTail, WrongCursor, rows_of_cursors
    from services.journal.reader import Reader

    if cursors and from_start:
        msg = "--from says where to begin, and --from-start too: give one of them"
        raise click.UsageError(msg)
    settings = settings_from(flags, needs_database=True)
    with (
        suppress(KeyboardInterrupt),
        stop_on_stream_trouble(),
        Reader(str(settings.database)) as reader,
    ):
        try:
            after = rows_of_cursors(reader, cursors)
        except WrongCursor as wrong:
            raise click.BadParameter(str(wrong), param_hint="--from") from wrong
        chosen = {*shards, *after} or None
        tail = FactTail(reader, shards=chosen, is_from_start=from_start, after=after)
        _write(_facts(tail, until_idle=until_idle))


def _facts(tail: FactTail, *, until_idle: float | None) -> Iterator[bytes | None]:
    """Facts; None where all that have come were given."""
    came = monotonic()
    while until_idle is None or monotonic() - came < until_idle:
        for fact in tail.facts():
            came = monotonic()
            yield fact
        yield None
        tail.wait(_POLL_S)


def _write(facts: Iterator[bytes | None]) -> None:
    """Lines on standard output, as they come; whoever closes it has seen enough."""
    with open_stdout() as stream:
        for fact in facts:
            if fact is None:
                stream.flush()
            else:
                stream.write(fact + b"\n")
