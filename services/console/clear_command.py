"""`clearing clear`: a stream of commands into the journal; its facts out, if asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.output import check_target, write_all
from services.console.progress import bytes_in, progress
from services.sources.source import STDIN, Block, check_source, source_name

if TYPE_CHECKING:
    from services.embedded.clear import Summary
    from services.journal.reader import Reader


@click.command(
    "clear",
    epilog=example(
        "clearing clear --commands day.jsonl --facts facts.jsonl",
        "zcat day.jsonl.gz | clearing clear --commands - --source day --facts - | head",
    ),
)
@click.option(
    "--commands", required=True, metavar="FILE|-", help="Commands as JSON lines, also packed (.gz)."
)
@click.option(
    "--facts", metavar="FILE|-", help="Afterwards write all facts of the journal as JSON lines."
)
@click.option("--source", metavar="NAME", help="Name of the source.  [default: the file's name]")
@with_location
def clear_command(
    *, commands: str, facts: str | None, source: str | None, data: str | None, database: str | None
) -> None:
    """Clear a stream of commands.

    A source is remembered by its name and the bytes read so far: the same command again goes on
    where it stopped, clears what was added to the file since, and changes nothing when it had
    ended. Exit code 0 when the stream was processed to its end, whatever was refused; a summary
    goes to standard error.
    """
    from services.console.stopping import stop_on_trouble
    from services.journal.reader import Reader

    location = location_of(data, database)
    with stop_on_trouble():
        source_name(commands, source)
        check_source(commands)
    if facts is not None:
        check_target(facts, source=commands)
    with opened_books(location) as url:
        summary = _clear(url, commands, source=source)
        for line in summary.lines():
            click.echo(line, err=True)
        if facts is not None:
            with Reader(url) as reader:
                write_all(facts, fact_pieces(reader))


def fact_pieces(reader: Reader) -> Iterator[bytes]:
    """All facts of the journal in the order they were decided, as whole lines."""
    for block in reader.facts():
        for piece in block:
            if piece.facts:
                yield piece.facts + b"\n"


def _clear(url: str, commands: str, *, source: str | None) -> Summary:
    from services.embedded.clear import clear

    label = f"clearing {source_name(commands, source)}"
    total = None if commands == STDIN else bytes_in(commands)
    with progress(label, total=total) as advance:

        def show(block: Block) -> None:
            advance(block.end, f"{block.lines_so_far:,} lines")

        return clear(url, commands, name=source, progress=show)
