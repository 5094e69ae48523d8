"""Empty databases for runs that are broken and for the run that is not."""

from collections.abc import Iterator

import pytest

from services.journal.embedded import EmbeddedServer
from tests.faults.kills import new_database


@pytest.fixture
def url(postgres: EmbeddedServer) -> Iterator[str]:
    """The URL of an empty database without a journal."""
    with new_database(postgres) as made:
        yield made


@pytest.fixture
def calm_url(postgres: EmbeddedServer) -> Iterator[str]:
    """Another one, for the run that nothing disturbs."""
    with new_database(postgres) as made:
        yield made
