"""`clearing verify` and `clearing replay`: the journal, recomputed."""

from __future__ import annotations

from typing import Final

import click

from services.console.books_location import location_of, opened_books, with_location
from services.console.example import example
from services.console.exit_codes import EXIT_LAW_BROKEN
from services.console.output import say, say_json
from services.console.progress import progress

_WHOLE: Final = 1_000
_SHARD_FIELDS: Final = ("shard", "seq", "chain", "state_hash")


@click.command(
    "verify",
    epilog=example(
        "clearing verify",
        "clearing verify --from snapshot --data .clearing/demo/books",
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
@with_location
def verify_command(*, start: str, data: str | None, database: str | None) -> None:
    """Recompute the journal, name what differs.

    The chain, every decision, facts, links and state. Exit code 0 when all agrees, 1 when
    something differs.
    """
    from services.audit.verify import verify

    with (
        opened_books(location_of(data, database), must_exist=True) as url,
        progress("verifying", total=_WHOLE) as advance,
    ):

        def show(done: int, total: int) -> None:
            advance(_WHOLE * done // max(total, 1), f"{done:,} of {total:,} rows")

        differences = verify(url, from_snapshot=start == "snapshot", progress=show)
    if differences:
        say(differences)
        raise SystemExit(EXIT_LAW_BROKEN)
    say(["The journal is what its input makes of it: no difference."])


@click.command(
    "replay",
    epilog=example(
        "clearing replay",
        "clearing replay --database postgresql://me@localhost/books",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="The shards as JSON.")
@with_location
def replay_command(*, as_json: bool, data: str | None, database: str | None) -> None:
    """Fold the journal into the books.

    Prints one line per shard: shard, seq, chain, state hash.
    """
    from services.audit.replay import replay

    with opened_books(location_of(data, database), must_exist=True) as url:
        lines = replay(url)
    if not as_json:
        say(lines)
        return
    shards = [dict(zip(_SHARD_FIELDS, line.split(), strict=True)) for line in lines]
    say_json([{**shard, "seq": int(shard["seq"])} for shard in shards])
