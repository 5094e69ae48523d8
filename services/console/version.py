"""The versions of the program and of the rules it clears by."""

from __future__ import annotations

from typing import Final

import click

DISTRIBUTION: Final = "token-clearinghouse"


def program_version() -> str:
    """The version of the installed program."""
    from importlib import metadata

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "not installed"


def show_version(ctx: click.Context, *, is_wanted: bool) -> None:
    """Print both versions and end, if that is wanted."""
    if not is_wanted or ctx.resilient_parsing:
        return
    from services.shards.shard import RULES_VERSION

    click.echo(f"clearing {program_version()}, rules version {RULES_VERSION}")
    ctx.exit()
