"""The location of the books: the embedded Postgres of a directory, or any other by its URL.

In: `--data` or `--database`, or what the settings name. Out: the URL of a database that answers,
for as long as a command runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from services.console.exit_codes import Stopped

DATA_DEFAULT: Final = ".clearing"
_NAMED_BY: Final = ("CLEARING_DATABASE", "CLEARING_SETTINGS")

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class BooksLocation:
    """A data directory, or a database given by its URL."""

    data: Path
    database: str | None

    @property
    def holds_cluster(self) -> bool:
        """Whether the data directory has been used before."""
        return (self.data / "postgres").is_dir()


def location_of(data: str | None, database: str | None) -> BooksLocation:
    """The location that the two options name. Errors: a usage error when both are given."""
    if data is not None and database is not None:
        msg = "expected --data or --database, found both"
        raise click.UsageError(msg)
    return BooksLocation(Path(data or DATA_DEFAULT), database)


def with_location(command: _Command) -> Callable[..., Any]:
    """The options `--data`, `--database` and `--settings`.

    The command gets the first two. A database named by the environment or the settings file counts
    where neither is given.
    """

    @wraps(command)
    def located(
        *,
        data: str | None,
        database: str | None,
        settings: str | None,
        **given: Any,  # noqa: ANN401 - click hands over any option
    ) -> Any:  # noqa: ANN401 - as the command
        if data is None and database is None:
            database = _configured_database(settings)
        return command(data=data, database=database, **given)

    option = click.option(
        "--settings", metavar="FILE", help="TOML file with any of the settings. CLEARING_SETTINGS"
    )
    return location_options(option(located))


def location_options(command: _Command) -> _Command:
    """The options `--data` and `--database`."""
    command = click.option(
        "--database",
        metavar="URL",
        help="Any Postgres 15 or later instead, as postgresql://user@host/name. CLEARING_DATABASE",
    )(command)
    return click.option(
        "--data",
        metavar="DIR",
        help=f"Directory of the embedded Postgres.  [default: {DATA_DEFAULT}]",
    )(command)


def _configured_database(settings: str | None) -> str | None:
    """The database of the environment or the settings file. Errors: a usage error."""
    if settings is None and not any(map(os.environ.get, _NAMED_BY)):
        return None
    from services.settings import SettingsTrouble, load_settings

    try:
        return load_settings(settings=settings).database
    except SettingsTrouble as trouble:
        raise click.UsageError(str(trouble)) from trouble


@contextmanager
def opened_books(location: BooksLocation, *, must_exist: bool = False) -> Iterator[str]:
    """The URL of the database, while the embedded server runs if it is that one.

    must_exist: for who only reads; a directory without books is then not made into one.
    """
    from services.console.stopping import stop_on_trouble
    from services.journal.embedded import EmbeddedServer
    from services.journal.trouble import JournalTrouble

    with stop_on_trouble():
        if location.database is not None:
            yield location.database
            return
        _expect_fit(location.data)
        if must_exist and not location.holds_cluster:
            msg = (
                f"there are no books in {location.data}: clear something first with "
                f"`clearing clear --commands FILE --data {location.data}`, or name where they are"
            )
            raise Stopped(msg)
        with EmbeddedServer(location.data) as server:
            try:
                yield server.url
            except JournalTrouble as trouble:
                raise server.cause_of(trouble) from trouble


def _expect_fit(data: Path) -> None:
    """See that a data directory is one of ours or may become one. Errors: Stopped, if neither."""
    try:
        nearest = next(path for path in (data, *data.absolute().parents) if path.exists())
        cluster = data / "postgres"
        if not nearest.is_dir():
            obstacle = f"{nearest} is not a directory"
        elif cluster.exists() and not (cluster / "PG_VERSION").is_file():
            obstacle = f"{cluster} is no Postgres of ours, it has no PG_VERSION"
        else:
            return
    except OSError as error:
        obstacle = error.strerror or str(error)
    msg = f"cannot use data directory {data}: {obstacle}; choose another --data"
    raise Stopped(msg)
