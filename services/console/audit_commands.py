"""`clearing verify` and `clearing replay`: the journal, recomputed."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import EXIT_LAW_BROKEN, Stopped
from services.console.output import say, say_json
from services.console.progress import progress

_WHOLE: Final = 1_000
_SHARD_FIELDS: Final = ("shard", "seq", "chain", "state_hash")
_AGREES: Final = "The journal is what its input makes of it: no difference."


@click.command(
    "verify",
    epilog=example(
        "clearing verify",
        "clearing verify --from snapshot --data .clearing/demo/books",
        "clearing verify --expect days.csv",
    ),
)
@click.option(
    "--from",
    "start",
    type=click.Choice(["start", "snapshot"]),
    default="start",
    show_default=True,
    help="From the first row, or from the last day's snapshots.",
)
@click.option(
    "--expect",
    "listed",
    metavar="FILE",
    help="Compare the days with a list kept elsewhere, as `clearing days` wrote it (CSV or JSON).",
)
@click.option("--json", "is_json", is_flag=True, help="The verdict as JSON.")
@with_location
def verify_command(
    *, start: str, listed: str | None, is_json: bool, data: str | None, database: str | None
) -> None:
    """Recompute the journal, name what differs.

    The chain, every decision, facts, links and state. Says what was looked at and what was not.
    Exit code 0 when all agrees, 1 when something differs or a guard of the tables is off.
    """
    from services.audit.verify import audit

    expected = None if listed is None else _read_list(listed)
    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        progress("verifying", total=_WHOLE) as advance,
    ):

        def show(done: int, total: int) -> None:
            advance(_WHOLE * done // max(total, 1), f"{done:,} of {total:,} rows")

        is_short = start == "snapshot"
        verdict = audit(url, from_snapshot=is_short, expected=expected, progress=show)
    program = version("token-clearinghouse")
    if is_json:
        say_json(verdict.tree(program=program))
    else:
        say([*(verdict.differences or [_AGREES]), *verdict.scope(program=program)])
    if not verdict.agrees:
        raise SystemExit(EXIT_LAW_BROKEN)


def _read_list(path: str) -> list[dict[str, str]]:
    from services.audit.days import ExpectedDays, read_days

    try:
        return read_days(Path(path).read_text("utf-8"))
    except OSError as trouble:
        msg = f"cannot read {path}: {trouble.strerror or trouble}"
        raise Stopped(msg) from trouble
    except (ExpectedDays, UnicodeDecodeError) as trouble:
        msg = f"{path}: {trouble}"
        raise Stopped(msg) from trouble


@click.command(
    "replay",
    epilog=example(
        "clearing replay",
        "clearing replay --database postgresql://me@localhost/books",
    ),
)
@click.option(
    "--days",
    "is_by_day",
    is_flag=True,
    help="Instead every day, its hashes computed anew, as `clearing days --format csv`.",
)
@click.option("--json", "as_json", is_flag=True, help="The shards as JSON.")
@with_location
def replay_command(
    *, is_by_day: bool, as_json: bool, data: str | None, database: str | None
) -> None:
    """Fold the journal into the books.

    Prints one line per shard: shard, seq, chain, state hash.
    """
    from services.audit.replay import replay, replayed_days
    from services.console.days_command import days_report
    from services.reports.formats import csv_lines

    with opened_books(location_of(data, database), must_exist=True) as url:
        if is_by_day:
            say(csv_lines(days_report(replayed_days(url))))
            return
        lines = replay(url)
    if not as_json:
        say(lines)
        return
    shards = [dict(zip(_SHARD_FIELDS, line.split(), strict=True)) for line in lines]
    say_json([{**shard, "seq": int(shard["seq"])} for shard in shards])
