"""Databases with an empty journal, as quick as a copy."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from services.journal.embedded import EmbeddedServer
from tests.conftest import TEMPLATE, fresh_database


@pytest.fixture
def new_journal(migrated: EmbeddedServer) -> Iterator[Callable[[], str]]:
    """Call it for the URL of one more empty journal."""
    with ExitStack() as opened:
        one = contextmanager(fresh_database)
        yield lambda: opened.enter_context(one(migrated, template=TEMPLATE))
