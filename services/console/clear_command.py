"""`clearing clear`: a stream of commands into the journal; facts and answers out, if asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import EXIT_LINES_REFUSED
from services.console.output import STDOUT, check_target, say_json, say_on_stderr, write_all
from services.console.progress import bytes_in, progress
from services.console.trade_options import TradeOptions, with_trade_options
from services.sources.source import STDIN, check_source, source_name

if TYPE_CHECKING:
    from services.embedded.answers import LineAnswer
    from services.embedded.clear import RowsOf, Summary
    from services.journal.reader import Reader
    from services.sources.source_reader import Block


@click.command(
    "clear",
    epilog=example(
        "clearing clear --commands day.jsonl --facts facts.jsonl",
        "clearing clear --commands trades.csv --csv --map price=Px --answers answers.jsonl",
        "zcat day.jsonl.gz | clearing clear --commands - --source day --facts - | head",
    ),
)
@click.option(
    "--commands",
    required=True,
    metavar="FILE|-",
    help="Commands as JSON lines, or trades as CSV (--csv); also packed (.gz).",
)
@click.option(
    "--facts", metavar="FILE|-", help="Afterwards write all facts of the journal as JSON lines."
)
@click.option(
    "--answers",
    metavar="FILE|-",
    help="Afterwards write a JSON line for each line of the source: accepted, or the reason.",
)
@click.option("--source", metavar="NAME", help="Name of the source.  [default: the file's name]")
@click.option(
    "--fail-on-refusal",
    is_flag=True,
    help=f"Exit code {EXIT_LINES_REFUSED} when a line of the source was refused.",
)
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON on standard output.")
@with_trade_options
@with_location
def clear_command(
    *,
    commands: str,
    source: str | None,
    trades: TradeOptions,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - click hands over any option
) -> None:
    """Clear a stream of commands, or of trades as CSV.

    A source is remembered by its name and the bytes read so far: the same command again goes on
    where it stopped, clears what was added to the file since, and changes nothing when it had
    ended. Exit code 0 when the stream was processed to its end, whatever was refused; a summary
    goes to standard error. A row of a CSV file that makes no trade is refused as malformed.
    """
    from services.console.stopping import stop_on_trouble
    from services.journal.reader import Reader

    facts, answers = given["facts"], given["answers"]
    location, rows = location_of(given["data"], given["database"]), trades.row_reading()
    with stop_on_trouble():
        name = source_name(commands, source)
        check_source(commands)
    if [facts, answers, STDOUT if as_json else None].count(STDOUT) > 1:
        msg = "only one of --facts, --answers and --json can go to standard output"
        raise click.UsageError(msg)
    for target in (facts, answers):
        if target is not None:
            check_target(target, source=commands)
    with opened_books(location) as url:
        summary = _clear(url, commands, source=name, rows=rows)
        _show(summary, as_json=as_json)
        with Reader(url) as reader:
            if facts is not None:
                write_all(facts, fact_pieces(reader))
            if answers is not None:
                write_all(
                    answers, (answer.json_line + b"\n" for answer in _answers(reader, summary))
                )
            if given["fail_on_refusal"] and any(map(_is_refused, _answers(reader, summary))):
                raise SystemExit(EXIT_LINES_REFUSED)


def fact_pieces(reader: Reader) -> Iterator[bytes]:
    """All facts of the journal in the order they were decided, as whole lines."""
    for block in reader.facts():
        for piece in block:
            if piece.facts:
                yield piece.facts + b"\n"


def _clear(url: str, commands: str, *, source: str, rows: RowsOf | None) -> Summary:
    from services.embedded.clear import clear

    total = None if commands == STDIN or rows is not None else bytes_in(commands)
    with progress(f"clearing {source}", total=total) as advance:

        def show(block: Block) -> None:
            advance(block.end, f"{block.lines_so_far:,} lines")

        return clear(url, commands, name=source, rows=rows, progress=show)


def _show(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        say_json(summary.tree())
        return
    for line in summary.lines():
        say_on_stderr(line)


def _answers(reader: Reader, summary: Summary) -> Iterator[LineAnswer]:
    from services.embedded.answers import answers_to

    return answers_to(reader, summary.source, number_of=summary.number_of)


def _is_refused(answer: LineAnswer) -> bool:
    return answer.is_refused
