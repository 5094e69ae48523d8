"""A feed that was ended in any way goes on exactly where it stopped, on a real Kafka."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Final

import pytest
from click.testing import CliRunner, Result
from kafka import TopicPartition
from kafka.admin import OffsetSpec

from services.broker.topic_state import topics_admin
from services.cli import cli
from services.feed import source_book
from services.feed.session import FeedPlan, FeedSession
from services.journal.embedded import EmbeddedServer
from services.journal.fed_sources import FedSource, FeedClaim
from services.journal.reader import Reader
from services.settings import Settings
from services.shards.routing import CONTROL_SHARD
from services.sources.lines import command_lines
from tests.forked import ForkedProcess
from tests.services.worker.test_shards_agree import embedded_hashes
from tests.streaming_house import StreamingHouse
from tests.twin.generate import written

LINES: Final = [line for line in written(3, 3).lines if line.strip()]
KILLS: Final = int(os.environ.get("FEED_KILLS", "3"))
AT: Final = "2026-06-08T14:00:00Z"


def trades(count: int, *, first: int = 1) -> list[bytes]:
    """Trades as lines, told apart by their ids."""
    fields = {"contract": "SITZ26", "price": "2.07", "lots": 5, "buyer": "A", "seller": "B"}
    return [
        json.dumps(
            {"type": "submit_trade/1", "trade_id": f"T{number}"} | fields | {"executed_at": AT}
        ).encode()
        for number in range(first, first + count)
    ]


def write(path: Path, lines: list[bytes]) -> Path:
    """A file of these lines."""
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def feed(house: StreamingHouse, *arguments: str) -> Result:
    """`clearing feed`, in this process."""
    return CliRunner(env=house.environment()).invoke(cli, ["feed", "--timeout", "60", *arguments])


def feed_lines_of(settings: Settings, lines: list[bytes], file: Path) -> None:
    """Feed a file of these lines, of which none is a control command."""
    plan = FeedPlan([str(write(file, lines))], command_lines, timeout_s=60)
    FeedSession(settings, plan, say=print).run(lambda _: nullcontext(lambda *_: None))


def started(house: StreamingHouse, file: Path, rate: str) -> ForkedProcess:
    """`clearing feed` as a process; what it says lies beside the file."""
    words, log = ["feed", str(file), "--rate", rate], file.with_suffix(".log")
    return ForkedProcess(words, log, environment=house.process_environment())


def values(house: StreamingHouse, shard: str) -> list[bytes]:
    """What lies in an inbox and is no copy of a control command."""
    return [record.value for record in house.inbox(shard) if not record.headers]


def fed_so_far(house: StreamingHouse) -> int:
    """The number of lines in all inboxes."""
    return sum(len(values(house, shard)) for shard in house.inboxes())


def wait_for_lines(house: StreamingHouse, file: Path, process: ForkedProcess) -> None:
    """Wait until a feed that was started has sent something, or has ended."""
    with Reader(house.url) as reader, topics_admin(house.settings) as admin:
        partitions = [TopicPartition(inbox.topic, inbox.partition) for inbox in reader.inboxes()]
        specs = dict.fromkeys(partitions, OffsetSpec.LATEST)
        before = None
        while process.poll() is None:
            ends = [end.offset for end in admin.list_partition_offsets(specs).values()]
            before = before or ends
            runs = reader.connection.execute("SELECT run FROM clearing.feed").fetchall()
            if ends != before and len(runs) == 1:
                return
            time.sleep(0.02)
    pytest.fail(f"the feed of {file} ended by itself")


@pytest.fixture
def idle(broker: str, postgres: EmbeddedServer, tmp_path: Path) -> Iterator[StreamingHouse]:
    """A house in which no worker runs."""
    with StreamingHouse(broker, postgres, tmp_path) as house:
        yield house


def test_killed_again_and_again_it_leaves_the_books_of_one_whole_feed(
    idle: StreamingHouse, tmp_path: Path
) -> None:
    idle.start_worker()
    file, random = write(tmp_path / "market.jsonl", LINES), Random(14)  # noqa: S311 - a seed
    kills = 0
    while kills < KILLS:
        process = started(idle, file, "400/s")
        wait_for_lines(idle, file, process)
        time.sleep(random.random() * 0.4)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert feed(idle, str(file)).exit_code == 0
    idle.await_durable()
    assert idle.day_hashes() == embedded_hashes(LINES) != {}
    again = feed(idle, str(file))
    assert (again.exit_code, fed_so_far(idle)) == (0, len(LINES))
    assert "market.jsonl was fed up to line" in again.stderr


def test_ended_by_sigterm_it_says_how_far_it_is(idle: StreamingHouse, tmp_path: Path) -> None:
    file = write(tmp_path / "day.jsonl", trades(2_000))
    process = started(idle, file, "200/s")
    wait_for_lines(idle, file, process)
    second = feed(idle, str(file))
    assert (second.exit_code, "another process feeds day.jsonl" in second.stderr) == (2, True)
    process.terminate()
    assert process.wait(30) == 130
    said = file.with_suffix(".log").read_text("utf-8")
    assert "the same command goes on exactly where it stopped" in said
    assert feed(idle, str(file)).exit_code == 0
    assert values(idle, "market/SIT") == trades(2_000)


def unrecorded(idle: StreamingHouse, file: Path, patch: pytest.MonkeyPatch) -> None:
    """Feed a file and lose what is recorded at its end, as a kill before that does."""
    saves = []

    def save_until_the_end(claim: FeedClaim, fed: FedSource) -> None:
        saves.append(fed)
        if not fed.is_whole:
            save(claim, fed)

    save = FeedClaim.save
    with patch.context() as patched:
        patched.setattr(FeedClaim, "save", save_until_the_end)
        assert feed(idle, str(file)).exit_code == 0
    assert saves[-1].is_whole


def test_a_file_changed_where_it_was_fed_is_refused_by_name(
    idle: StreamingHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "day.jsonl", trades(5))
    unrecorded(idle, file, monkeypatch)
    write(file, [*trades(3), *trades(2, first=8)])
    result = feed(idle, str(file))
    assert (result.exit_code, "source day.jsonl was changed" in result.stderr) == (2, True)
    assert "offset 3 of the inbox of market/SIT" in result.stderr
    write(file, trades(5))
    assert feed(idle, str(file)).exit_code == 0
    for lines in ([*trades(3), *trades(2, first=8)], trades(4)):
        write(file, lines)
        result = feed(idle, str(file))
        assert result.exit_code == 2
        assert "day.jsonl" in result.stderr
        assert "it is another file" in result.stderr
    assert feed(idle, str(file), "--source", "day-2").exit_code == 0
    assert values(idle, "market/SIT") == [*trades(5), *trades(4)]


def test_lines_that_come_in_late_are_not_there_twice(
    idle: StreamingHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "day.jsonl", trades(5))
    unrecorded(idle, file, monkeypatch)

    async def nothing(*_: object, **_named: object) -> dict[str, object]:
        return {}

    write(file, trades(9))
    with monkeypatch.context() as patched:
        patched.setattr(source_book, "delivered_lines", nothing)
        result = feed(idle, str(file))
    assert (result.exit_code, "came in only now" in result.stderr) == (2, True)
    assert values(idle, "market/SIT") == trades(5)
    assert feed(idle, str(file)).exit_code == 0
    assert values(idle, "market/SIT") == trades(9)


def test_what_was_added_to_a_file_is_fed_and_nothing_else(
    idle: StreamingHouse, tmp_path: Path
) -> None:
    for count in (3, 3, 5):
        assert feed(idle, str(write(tmp_path / "day.jsonl", trades(count)))).exit_code == 0
    assert values(idle, "market/SIT") == trades(5)


def test_a_file_that_grew_is_gone_on_with_after_a_kill_in_what_was_added(
    idle: StreamingHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "day.jsonl", trades(3))
    assert feed(idle, str(file)).exit_code == 0
    unrecorded(idle, write(file, trades(9)), monkeypatch)
    result = feed(idle, str(write(file, trades(14))))
    assert (result.exit_code, values(idle, "market/SIT")) == (0, trades(14)), result.stderr


def test_a_later_first_line_leaves_out_what_is_between(
    idle: StreamingHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "day.jsonl", trades(3))
    unrecorded(idle, file, monkeypatch)
    write(file, trades(9))
    refused = feed(idle, str(file), "--from-line", "6")
    assert (refused.exit_code, "once that has ended" in refused.stderr) == (2, True)
    write(file, trades(3))
    assert feed(idle, str(file)).exit_code == 0
    write(file, trades(9))
    for first in ("6", "6"):
        assert feed(idle, str(file), "--from-line", first).exit_code == 0
    assert values(idle, "market/SIT") == [*trades(3), *trades(4, first=6)]
    refused = feed(idle, str(file))
    assert (refused.exit_code, "with --from-line 6" in refused.stderr) == (2, True)


def test_a_product_that_somebody_puts_in_use_meanwhile_moves_no_line(
    idle: StreamingHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line.replace(b"SITZ26", b"SCUZ26") for line in trades(4)]
    file = write(tmp_path / "day.jsonl", lines[:2])
    unrecorded(idle, file, monkeypatch)
    write(file, lines)
    with monkeypatch.context() as patched:
        patched.setattr("services.feed.waiting.JournalHeads.products", lambda _: ["SIT", "SCU"])
        assert feed(idle, str(file)).exit_code == 0
    assert values(idle, CONTROL_SHARD) == lines
