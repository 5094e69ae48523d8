"""`clearing verify` and `clearing replay`: the journal, recomputed."""

from __future__ import annotations

import click

from services.audit.replay import replay
from services.audit.verify import verify
from services.console.output import say
from services.console.place import opened, place_of, with_place
from services.console.trouble import EXIT_LAW_BROKEN


@click.command("verify")
@click.option(
    "--from",
    "start",
    type=click.Choice(["start", "snapshot"]),
    default="start",
    show_default=True,
    help="From the first row, or from the last day's snapshots.",
)
@with_place
def verify_command(*, start: str, data: str | None, database: str | None) -> None:
    r"""Recompute the journal: chain, decisions, facts, links, state; name the first difference.

    Exit code 0 when all agrees, 1 when something differs.

    \b
    Example:
      clearing verify
      clearing verify --from snapshot --data .clearing/demo/books
    """
    with opened(place_of(data, database), must_exist=True) as url:
        differences = verify(url, from_snapshot=start == "snapshot")
    if differences:
        say(differences)
        raise SystemExit(EXIT_LAW_BROKEN)
    say(["The journal is what its input makes of it: no difference."])


@click.command("replay")
@with_place
def replay_command(*, data: str | None, database: str | None) -> None:
    r"""Fold the journal and print one line per shard: shard, seq, chain, state hash.

    \b
    Example:
      clearing replay
      clearing replay --database postgresql://me@localhost/books
    """
    with opened(place_of(data, database), must_exist=True) as url:
        say(replay(url))
