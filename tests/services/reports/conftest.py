"""The small market, cleared once into a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from services.reports.view import JournalView
from tests.conftest import fresh_database
from tests.services.reports.small_market import SMALL_MARKET


@pytest.fixture(scope="session")
def books(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that holds the small market."""
    source = Path(tmp_path_factory.mktemp("small") / "small.jsonl")
    source.write_bytes(b"".join(line + b"\n" for line in SMALL_MARKET))
    for url in fresh_database(postgres):
        clear(url, str(source))
        yield url


@pytest.fixture
def view(books: str) -> Iterator[JournalView]:
    """The small market as it stands."""
    with JournalView(books) as opened:
        yield opened
