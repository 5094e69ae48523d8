"""`clearing facts`: the facts of existing books as JSON lines, in the order they were decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from events.units import parse_date
from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import Stopped
from services.console.option_values import option_value
from services.console.output import open_stdout
from services.reports.report import ReportRequest, UnknownSubject, fact_name

if TYPE_CHECKING:
    from services.journal.reader import Facts


@click.command(
    "facts",
    epilog=example(
        "clearing facts > facts.jsonl",
        "clearing facts --from 2026-06-08 --to 2026-06-12 --type trade_novated --shard market/SIT",
    ),
)
@click.option("--from", "since", metavar="D", help="First business date.  [default: all]")
@click.option("--to", "until", metavar="D", help="Last business date.  [default: all]")
@click.option(
    "--type",
    "kinds",
    multiple=True,
    metavar="T",
    help="Only facts of this type, with or without its version; several times.",
)
@click.option(
    "--shard", "shards", multiple=True, metavar="S", help="Only of this shard; several times."
)
@with_location
def facts_command(
    *,
    since: str | None,
    until: str | None,
    kinds: Sequence[str],
    shards: Sequence[str],
    data: str | None,
    database: str | None,
) -> None:
    """Print the facts of existing books as JSON lines.

    Byte for byte as they stand in the journal, in the order they were decided; they are passed on
    as they are read, however many there are. What came before the first session has the date
    0001-01-01.
    """
    from services.reports.view import JournalView

    first = option_value(parse_date, since or "0001-01-01", option="--from")
    last = option_value(parse_date, until or "9999-12-31", option="--to")
    starts = tuple(_start(kind) for kind in kinds)
    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        JournalView(url) as view,
    ):
        try:
            view.days(ReportRequest(last, last, since=first))
        except UnknownSubject as unknown:
            raise Stopped(str(unknown)) from unknown
        _expect_shards(shards, view.shards())
        blocks = view.reader.facts(shards=shards or None, since=first, until=last)
        with open_stdout() as stream:
            stream.writelines(_pieces(blocks, starts))


def _pieces(blocks: Iterable[list[Facts]], starts: tuple[bytes, ...]) -> Iterator[bytes]:
    """Whole lines; of all facts, or of those that begin so."""
    for block in blocks:
        for piece in block:
            if piece.facts and not starts:
                yield piece.facts + b"\n"
            elif piece.facts:
                lines = (line for line in piece.facts.split(b"\n") if line.startswith(starts))
                yield from (line + b"\n" for line in lines)


def _start(kind: str) -> bytes:
    """What a fact of this type begins with."""
    from events.facts import FACTS

    names = {fact_name(name) for name in FACTS}
    if kind in FACTS:
        return b'{"type":"%b"' % kind.encode()
    if kind in names:
        return b'{"type":"%b/' % kind.encode()
    near = get_close_matches(kind, sorted(names), n=1)
    advice = f"; is it {near[0]}?" if near else "; `clearing schema` lists them"
    msg = f"there is no fact {kind}{advice}"
    raise click.BadParameter(msg, param_hint="--type")


def _expect_shards(shards: Sequence[str], heads: Sequence[str]) -> None:
    for shard in shards:
        if shard not in heads:
            msg = f"there is no shard {shard}; there are {', '.join(heads)}"
            raise Stopped(msg)
