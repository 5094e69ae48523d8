"""Facts as they come: the same that `clear` writes, in order for each shard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from click.testing import CliRunner

from services.cli import cli
from services.console.clear_command import fact_pieces
from services.embedded.clear import clear
from services.feed.fact_tail import FactTail, WrongCursor, rows_of_cursors
from services.journal.fact_pieces import facts_after
from services.journal.reader import Reader
from tests.test_scenarios import HERE, lines_of

CASE: Final = HERE / "cycle_names.json"


@pytest.fixture
def reader(database: str, tmp_path: Path) -> Iterator[Reader]:
    """A journal of a small market, of more rows than are read at once."""
    lines = lines_of(json.loads(CASE.read_text("utf-8")))
    source = tmp_path / "day.jsonl"
    source.write_bytes(b"\n".join([*lines, *[b"{}"] * 500]))
    clear(database, str(source))
    with Reader(database) as opened:
        yield opened


def by_shard(facts: Iterator[bytes]) -> dict[str, list[bytes]]:
    """Facts of each shard, in their order."""
    shards: dict[str, list[bytes]] = {}
    for fact in facts:
        shards.setdefault(json.loads(fact)["shard"], []).append(fact)
    return shards


def cleared(reader: Reader) -> dict[str, list[bytes]]:
    """What `clear --facts` writes."""
    return by_shard(fact for piece in fact_pieces(reader) for fact in piece.splitlines())


def test_from_the_start_all_facts_come_in_order(reader: Reader) -> None:
    tail = FactTail(reader, is_from_start=True)
    assert by_shard(tail.facts()) == cleared(reader)
    assert list(tail.facts()) == []


def test_rows_that_cannot_be_read_are_not_passed_over(reader: Reader, database: str) -> None:
    unseen = b"ALTER TABLE clearing.journal DETACH PARTITION clearing.journal_0001_01"
    with psycopg.connect(database) as connection:
        connection.execute(unseen)
    with pytest.raises(AssertionError, match=r"rows of control/0 from 0 to \d+ cannot be read"):
        list(FactTail(reader, is_from_start=True).facts())
    with pytest.raises(AssertionError, match="rows of control/0 after -1 cannot be read"):
        list(facts_after(reader, "control/0", after=-1))


def test_one_shard_can_be_followed_alone(reader: Reader) -> None:
    control = by_shard(FactTail(reader, shards=["control/0"], is_from_start=True).facts())
    assert control == {"control/0": cleared(reader)["control/0"]}


def test_otherwise_only_what_comes_after_now(reader: Reader, tmp_path: Path) -> None:
    tail = FactTail(reader)
    assert list(tail.facts()) == []
    source = tmp_path / "more.jsonl"
    source.write_bytes(b"{}\n")
    clear(reader.url, str(source))
    (fact,) = tail.facts()
    assert json.loads(fact)["reason"] == "malformed"


def test_a_cursor_goes_on_after_its_row(reader: Reader) -> None:
    cursors = rows_of_cursors(reader, ["member/0:1", "control/0:0"])
    tail = FactTail(reader, shards=cursors, after=cursors)
    whole = cleared(reader)
    assert by_shard(tail.facts()) == {
        shard: [fact for fact in whole[shard] if json.loads(fact)["seq"] > seq]
        for shard, seq in cursors.items()
    }
    assert list(tail.facts()) == []


@pytest.mark.parametrize(
    ("cursors", "reason"),
    [
        (["market/SIT"], "expected SHARD:SEQ, as market/SIT:12, found 'market/SIT'"),
        (["member/0:-1"], "expected SHARD:SEQ"),
        (["member/0:1.5"], "expected SHARD:SEQ"),
        ([":3"], "expected SHARD:SEQ"),
        (["member/0:1234567890123456789"], "expected SHARD:SEQ"),
        (["market/GPU:1"], "there is no shard market/GPU; there are control/0, "),
        (["member/0:999999"], "member/0:999999: member/0 ends at row "),
        (["member/0:1", "member/0:2"], "member/0:2: member/0 has a cursor already, member/0:1"),
    ],
)
def test_a_cursor_that_names_no_row_is_told(
    reader: Reader, cursors: list[str], reason: str
) -> None:
    with pytest.raises(WrongCursor, match=re.escape(reason)):
        rows_of_cursors(reader, cursors)


def test_the_command_goes_on_after_a_cursor_and_names_one_that_is_wrong(reader: Reader) -> None:
    where = ["tail", "--database", reader.url, "--until-idle", "0.1"]
    shown = CliRunner().invoke(cli, [*where, "--from", "member/0:2"])
    later = [fact for fact in cleared(reader)["member/0"] if json.loads(fact)["seq"] > 2]
    assert (shown.exit_code, shown.stdout_bytes.splitlines()) == (0, later)
    for arguments, reason in (
        (["--from", "member/0:x"], "expected SHARD:SEQ"),
        (["--from", "member/0:2", "--from-start"], "give one of them"),
    ):
        wrong = CliRunner().invoke(cli, [*where, *arguments])
        assert wrong.exit_code == 2
        assert reason in wrong.stderr
