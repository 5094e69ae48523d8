"""A connection lost during COMMIT: the batch is durable or not, and the journal does not guess."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.journal.reader import Reader
from services.journal.trouble import CommitUnknown, JournalTrouble
from services.journal.writer import Journal
from tests.services.journal.broken_line import broken_line
from tests.services.journal.journal_rows import SIT, batch_of


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="line-") as directory:
        yield Path(directory)


@pytest.mark.parametrize("heard", [True, False])
def test_a_connection_lost_in_commit_is_unknown_and_the_heads_tell(
    url: str, reader: Reader, short_path: Path, *, heard: bool
) -> None:
    with broken_line(url, short_path, heard=heard) as line, Journal(line) as journal:
        with pytest.raises(CommitUnknown, match="durable or not"):
            journal.commit(batch_of(SIT, None, 9))
        with pytest.raises(JournalTrouble):
            journal.commit(batch_of(SIT, 9, 19))
    assert {name: head.seq for name, head in reader.heads().items()} == ({SIT: 9} if heard else {})
    assert sum(len(block) for block in reader.rows(SIT)) == (10 if heard else 0)
