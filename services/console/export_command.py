"""`clearing export`: the commands of existing books as JSON lines, to be cleared or fed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from events.units import parse_date
from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.option_values import option_value
from services.console.output import open_stdout, say_on_stderr

if TYPE_CHECKING:
    from services.audit.exported import ExportedCommands


@click.command(
    "export",
    epilog=example(
        "clearing export > commands.jsonl",
        "clearing export --until 2026-06-12 --data old | gzip > commands.jsonl.gz",
        "clearing export --database postgresql://me@localhost/books > commands.jsonl",
    ),
)
@click.option("--until", metavar="D", help="Last business date.  [default: all]")
@with_location
def export_command(*, until: str | None, data: str | None, database: str | None) -> None:
    """Print the commands of existing books, to be cleared or fed again.

    JSON lines, refused ones too, byte for byte. `clearing clear` and `clearing feed` make the same
    books of them, with the same hashes of each day, whether one process or workers wrote the
    journal, also one begun under other rules. What only Kafka can bring (a wrong key, bytes that
    are no line) is left out and named on standard error: each was refused and changed no books, but
    the history hashes of its shard count it.
    """
    from services.audit.exported import ExportedCommands
    from services.journal.reader import Reader

    last = option_value(parse_date, until or "9999-12-31", option="--until")
    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        Reader(url) as reader,
    ):
        export = ExportedCommands(reader, until=last)
        with open_stdout() as stream:
            stream.writelines(export.pieces())
    for line in _summary(export):
        say_on_stderr(line)


def _summary(export: ExportedCommands) -> Iterator[str]:
    shards = ", ".join(f"{shard} {count:,}" for shard, count in sorted(export.lines.items()))
    yield f"{export.lines.total():,} lines{': ' if shards else ''}{shards}"
    if export.left_out:
        names = ", ".join(sorted(export.left_out))
        yield (
            f"left out {export.left_out.total():,} rows that no line can bring; state hashes stay "
            f"the same, the history hashes of {names} do not from the close after the first on:"
        )
        yield from (
            f"  {shard} row {seq}: {reason}" for shard, seq, reason in export.first_left_out
        )
    if export.ahead:
        yield (
            f"ended where the slowest shard is; {', '.join(export.ahead)} had followed more "
            "control commands: export again when no worker is behind"
        )
