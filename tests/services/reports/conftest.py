"""The small market, cleared once into a database of its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from services.reports.view import JournalView
from tests.conftest import TEMPLATE, fresh_database, with_template
from tests.services.reports.expiring_market import EXPIRING_MARKET
from tests.services.reports.small_market import SMALL_MARKET
from tests.services.reports.stress_market import STRESS_MARKET


@pytest.fixture(scope="session")
def books(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that holds the small market."""
    yield from cleared_once(postgres, tmp_path_factory.mktemp("small"), SMALL_MARKET)


@pytest.fixture(scope="session")
def expiring(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that holds the market in which a contract ends."""
    yield from cleared_once(postgres, tmp_path_factory.mktemp("expiring"), EXPIRING_MARKET)


@pytest.fixture(scope="session")
def stressed(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that holds the market of the stress run."""
    yield from cleared_once(postgres, tmp_path_factory.mktemp("stressed"), STRESS_MARKET)


def cleared_once(server: EmbeddedServer, folder: Path, lines: Sequence[bytes]) -> Iterator[str]:
    """A database with a market in it."""
    source = folder / "market.jsonl"
    source.write_bytes(b"".join(line + b"\n" for line in lines))
    for url in fresh_database(with_template(server), template=TEMPLATE):
        clear(url, str(source))
        yield url


@pytest.fixture
def view(books: str) -> Iterator[JournalView]:
    """The small market as it stands."""
    with JournalView(books) as opened:
        yield opened


@pytest.fixture
def expired(expiring: str) -> Iterator[JournalView]:
    """The market in which a contract has ended, as it stands."""
    with JournalView(expiring) as opened:
        yield opened


@pytest.fixture
def closes(stressed: str) -> Iterator[JournalView]:
    """The market of the stress run as it stands, three closes behind it."""
    with JournalView(stressed) as opened:
        yield opened
