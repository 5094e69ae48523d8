"""`clearing feed`: commands of files into Kafka, in one order that holds for every shard."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from services.console.example import example
from services.console.exit_codes import EXIT_INTERRUPTED, Stopped
from services.console.output import say_on_stderr
from services.console.progress import bytes_in, progress
from services.console.settings_flags import settings_from, with_settings
from services.console.streaming_errors import stop_on_stream_trouble
from services.console.trade_options import TradeOptions, with_trade_options
from services.sources.source import STDIN, shown_name

if TYPE_CHECKING:
    from services.feed.session import ShowProgress

_RATE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:/s)?")


@click.command(
    "feed",
    epilog=example(
        "clearing feed day.jsonl --database postgresql://me@localhost/books",
        "zcat *.jsonl.gz | clearing feed - --rate 5000/s",
        "clearing feed trades.csv --csv --map trade_id=ID --map price=Px --set contract=SITZ26",
        "clearing feed excel.csv --csv --separator ';' --decimal ,",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…|-")
@click.option("--source", metavar="NAME", help="Name of the source.  [default: the file's name]")
@click.option("--rate", metavar="N/s", help="Lines a second, at most.")
@with_trade_options
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="S",
    help="Stop when nothing has moved for so many seconds.  [default: wait, and say for whom]",
)  # fmt: skip
@with_settings("database")
def feed_command(
    *,
    files: Sequence[str],
    source: str | None,
    trades: TradeOptions,
    **flags: Any,  # noqa: ANN401 - click hands over any flag
) -> None:
    """Put commands of files into Kafka, for workers to clear.

    The files hold commands as JSON lines, or trades as CSV, packed (.gz) or not; they are fed one
    after another. Their order is the order everywhere: behind control commands the feed waits until
    every shard knows them, so a worker must run. Exit code 0 when all is in Kafka, whatever will be
    refused; a summary goes to standard error.

    A source is remembered by its name and the lines fed so far. However a feed ended (SIGTERM,
    kill -9), the same command again goes on exactly where it stopped, and feeds what was added to
    the file since; a second one of the same source beside it is refused. Standard input cannot be
    read again: it has no such point.

    A row of a CSV file that makes no trade is sent as it stands, refused as malformed and kept. One
    whose end is not clear, because a quote is not closed, stops the feed, exit code 2, with all
    rows before it sent; --from-line goes on behind it. Times must be as in 2026-06-08T21:00:00Z.
    """
    from services.feed.session import FeedPlan, FeedSession

    rate, timeout_s = _rate(flags.pop("rate")), flags.pop("timeout")
    settings = settings_from(flags, needs_database=True)
    plan = FeedPlan(
        files,
        trades.line_reading(str(settings.database)),
        source=source,
        from_line=trades.from_line,
        lines_a_second=rate,
        timeout_s=timeout_s,
    )
    _check_files(files, source)
    with stop_on_stream_trouble(), _ended_politely():
        session = FeedSession(settings, plan, say=say_on_stderr)
        try:
            session.run(_showing)
        except KeyboardInterrupt:
            say_on_stderr(f"stopped: {session.where()}")
            raise SystemExit(EXIT_INTERRUPTED) from None
        except BaseException:
            say_on_stderr(f"not all was fed: {session.where()}")
            raise
        for line in session.summary():
            say_on_stderr(line)


def _rate(given: str | None) -> float | None:
    """Lines a second, as `5000` or `5000/s`."""
    if given is None:
        return None
    match = _RATE.fullmatch(given)
    if match is None or not float(match[1]):
        msg = f"--rate: expected lines a second, like 5000/s, found {given!r}"
        raise click.UsageError(msg)
    return float(match[1])


def _check_files(files: Sequence[str], source: str | None) -> None:
    """See before anything is sent that all files are there."""
    if files.count(STDIN) > 1:
        msg = "standard input can be read only once"
        raise click.UsageError(msg)
    if source is not None and (len(files) > 1 or STDIN in files):
        msg = "--source names one file, which can be read again from its beginning"
        raise click.UsageError(msg)
    for file in files:
        if file != STDIN and not Path(file).exists():
            msg = f"cannot open {file}: there is no such file"
            raise Stopped(msg)


@contextmanager
def _ended_politely() -> Iterator[None]:
    """SIGTERM inside is as Ctrl-C: the feed says how far it is."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _showing(path: str) -> Iterator[ShowProgress]:
    total = None if path == STDIN else bytes_in(path)
    with progress(f"feeding {shown_name(path)}", total=total) as advance:
        yield lambda done, lines: advance(done, f"{lines:,} lines")
