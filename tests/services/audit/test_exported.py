"""What is exported of a journal makes the same books again, whoever wrote the journal."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from services.audit.exported import ExportedCommands
from services.cli import cli
from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from services.journal.reader import Reader
from tests.conftest import fresh_database
from tests.services.audit.streamed import embedded, send, streamed
from tests.services.reports.small_market import DAY, SMALL_MARKET
from tests.streaming_house import StreamingHouse
from tests.streams import Streams, day_hashes
from tests.twin.generate import written

LINES = written(5, 4).lines
ODD = [b"\xef\xbb\xbf{}", b"a\r", b"\xff\x00", b'{"type":"submit_trade/1"}\r\r', b" "]


@pytest.fixture
def again(postgres: EmbeddedServer) -> Iterator[str]:
    """Another database."""
    yield from fresh_database(postgres)


def exported(url: str, path: Path, *, until: date = date.max) -> ExportedCommands:
    """The commands of a journal in a file."""
    with Reader(url) as reader:
        export = ExportedCommands(reader, until=until)
        path.write_bytes(b"".join(export.pieces()))
    return export


def inputs(url: str) -> dict[str, list[bytes]]:
    """By shard the lines of all rows."""
    with Reader(url) as reader:
        return {
            shard: [row.line for block in reader.rows(shard) for row in block]
            for shard in reader.heads()
        }


def test_of_one_process_it_is_what_it_read(database: str, again: str, tmp_path: Path) -> None:
    lines = [line for line in [*ODD, *LINES] if line.strip()]
    embedded(database, tmp_path / "first.jsonl", lines)
    (tmp_path / "second.jsonl").write_bytes(b"\n".join(written(6, 1).lines))
    clear(database, str(tmp_path / "second.jsonl"))
    export = exported(database, tmp_path / "out.jsonl")
    clear(again, str(tmp_path / "out.jsonl"))
    assert inputs(again) == inputs(database)
    assert day_hashes(again) == day_hashes(database) != {}
    assert (export.left_out.total(), export.ahead) == (0, [])


def test_a_first_line_with_a_mark_of_its_own_stays_as_it_is(
    database: str, again: str, tmp_path: Path
) -> None:
    (tmp_path / "odd.jsonl").write_bytes(b"\n" + b"\n".join(ODD) + b"\n")
    clear(database, str(tmp_path / "odd.jsonl"))
    exported(database, tmp_path / "out.jsonl")
    clear(again, str(tmp_path / "out.jsonl"))
    assert inputs(again) == inputs(database)
    assert b"\xef\xbb\xbf{}" in inputs(again)["control/0"]


@pytest.mark.parametrize("seed", [1, 2])
def test_of_workers_it_makes_the_same_days(
    database: str, again: str, tmp_path: Path, seed: int
) -> None:
    lines = written(seed + 6, 4).lines
    streamed(database, lines, seed=seed, is_disturbed=False)
    export = exported(database, tmp_path / "out.jsonl")
    clear(again, str(tmp_path / "out.jsonl"))
    assert inputs(again) == inputs(database)
    assert day_hashes(again) == day_hashes(database) != {}
    assert (export.left_out.total(), export.ahead) == (0, [])


def test_what_no_line_can_bring_is_left_out_and_changes_no_books(
    database: str, again: str, tmp_path: Path
) -> None:
    streamed(database, LINES, seed=3)
    export = exported(database, tmp_path / "out.jsonl")
    clear(again, str(tmp_path / "out.jsonl"))
    first, second = day_hashes(database), day_hashes(again)
    assert {day: state for day, (state, _) in first.items()} == {
        day: state for day, (state, _) in second.items()
    }
    assert export.left_out.total() > 20
    reasons = {row.reason for row in export.first_left_out}
    assert "its envelope was refused (?key)" in reasons


def test_a_line_end_or_nothing_in_a_message_is_left_out(database: str, tmp_path: Path) -> None:
    with Streams(database) as streams:
        for value in (b"", b"a\nb", b"c"):
            send(streams, "control/0", value, key=b"control/0")
        streams.put("market/SIT", b"d")
        streams.run_all()
    export = exported(database, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == b"c\n"
    assert [tuple(row) for row in export.first_left_out] == [
        ("market/SIT", 1, "it lay in the inbox of another shard than its own"),
        ("control/0", 1, "it is empty"),
        ("control/0", 2, "it holds the end of a line"),
    ]


def test_of_shards_that_are_behind_it_ends_with_the_slowest(
    database: str, again: str, tmp_path: Path
) -> None:
    lines = [line for line in LINES if line.strip()]
    cut = Random(1).randrange(len(lines) // 2, len(lines))  # noqa: S311 - a seed
    with Streams(database) as streams:
        streams.feed(lines[:cut])
        streams.stop("member/0")
        with pytest.raises(KeyError):
            streams.feed(lines[cut:])
    export = exported(database, tmp_path / "out.jsonl")
    assert "control/0" in export.ahead
    clear(again, str(tmp_path / "out.jsonl"))
    days, more = day_hashes(again), day_hashes(database)
    assert days == {day: hashes for day, hashes in more.items() if day in days} != {}


def test_until_a_date_it_ends_with_its_close(database: str, again: str, tmp_path: Path) -> None:
    embedded(database, tmp_path / "small.jsonl", SMALL_MARKET)
    exported(database, tmp_path / "out.jsonl", until=date.fromisoformat(DAY))
    clear(again, str(tmp_path / "out.jsonl"))
    assert {day for _, day in day_hashes(again)} == {DAY}
    assert day_hashes(again).items() <= day_hashes(database).items()


def test_packed_and_fed_to_kafka_it_makes_the_same_days(
    broker: str, postgres: EmbeddedServer, database: str, tmp_path: Path
) -> None:
    embedded(database, tmp_path / "small.jsonl", SMALL_MARKET)
    result = CliRunner().invoke(cli, ["export", "--database", database])
    assert (result.exit_code, result.stdout_bytes.splitlines()) == (0, SMALL_MARKET)
    packed = tmp_path / "commands.jsonl.gz"
    packed.write_bytes(gzip.compress(result.stdout_bytes))
    with StreamingHouse(broker, postgres, tmp_path) as house:
        house.start_worker()
        fed = CliRunner(env=house.environment()).invoke(cli, ["feed", str(packed)])
        assert fed.exit_code == 0, fed.output
        house.await_durable()
        assert house.day_hashes() == day_hashes(database) != {}
        back = CliRunner(env=house.environment()).invoke(cli, ["export"])
    assert sorted(back.stdout_bytes.splitlines()) == sorted(SMALL_MARKET)
