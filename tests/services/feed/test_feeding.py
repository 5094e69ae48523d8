"""The order of a file is the order everywhere: what a feed does before and behind control."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import pytest

from services.feed.feeding import Feed, Pace
from services.feed.stall import StallTimer
from services.feed.waiting import Heads, ShardWaiter
from services.journal.reader import Head
from services.journal.trouble import DatabaseGone
from services.sources.lines import Lines

AT = "2026-06-08T14:00:00Z"
CLOCK = json.dumps({"type": "advance_clock/1", "at": AT}).encode()
USE = json.dumps(
    {
        "type": "configure/1",
        "parameter": "product_in_use",
        "product": "SCU",
        "value": "true",
        "effective_date": "2026-06-09",
        "at": AT,
    }
).encode()
CASH = json.dumps(
    {
        "type": "deposit_collateral/1",
        "reference": "d",
        "account": "A",
        "asset": "USD",
        "amount_cents": 1,
        "at": AT,
    }
).encode()


def trade(contract: str = "SITZ26") -> bytes:
    """A trade as its canonical line."""
    fields = {"trade_id": "T", "contract": contract, "price": "2.07", "lots": 5}
    fields |= {"buyer": "A", "seller": "B", "executed_at": AT}
    return json.dumps({"type": "submit_trade/1"} | fields).encode()


class World:
    """Kafka and the journal in one: what was put, and shards that decide when heads are read."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.control: list[bytes] = []
        self.decided = 0
        self.known = 0
        self.readings_failing = 0
        self.acknowledged = 0
        self._batches = 0

    async def put(self, shard: str, lines: Iterable[bytes]) -> None:
        """Lines for a shard."""
        batch = [*lines]
        self.log.append(f"{shard} {len(batch)}")
        self.control += batch if shard == "control/0" else []

    async def seal(self) -> int:
        """One batch more."""
        self._batches += 1
        return self._batches

    async def flush(self) -> None:
        """All is acknowledged."""
        self.acknowledged = self._batches
        self.log.append("flush")

    def last_offset(self, shard: str) -> int:
        """Where the last control command lies."""
        assert shard == "control/0"
        return len(self.control) - 1

    def heads(self) -> Heads:
        """Control has decided all at the second reading; the others take a command at each."""
        if self.readings_failing:
            self.readings_failing -= 1
            raise DatabaseGone("gone")  # noqa: EM101 - a test's trouble
        if self.decided == len(self.control) and self.known < self.decided:
            self.known += 1
            if self.known == self.decided:
                self.log.append(f"known {self.known}")
        self.decided = len(self.control)
        followers = ["market/SIT", "member/0", *(["market/SCU"] if USE in self.control else [])]
        heads = {shard: Head(shard, 0, b"", self.known, self.known) for shard in followers}
        return heads | {"control/0": Head("control/0", 0, b"", self.decided, self.decided)}

    def products(self) -> list[str]:
        """SCU is in use once control has decided so."""
        return ["SIT", *(["SCU"] if USE in self.control[: self.decided] else [])]


def fed(world: World, *groups: list[bytes], pace: Pace | None = None) -> Feed:
    """Feed groups of lines to their end."""

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    async def run() -> Feed:
        waiter = ShardWaiter(world, StallTimer(world.log.append, clock=lambda: 0.0), sleep=sleep)
        feed = Feed(world, waiter, products=["SIT"], pace=pace)
        first = 1
        for lines in groups:
            await feed.feed_lines(Lines(lines, range(first, first + len(lines)), 0))
            first += len(lines)
        await feed.end()
        return feed

    return asyncio.run(run())


def test_a_control_command_goes_after_all_before_it_and_before_all_behind_it() -> None:
    world = World()
    fed(world, [trade(), CASH, CLOCK, trade()])
    assert world.log == [
        "market/SIT 1", "member/0 1", "flush", "control/0 1", "flush", "known 1", "market/SIT 1",
        "flush",
    ]  # fmt: skip


def test_control_commands_in_a_row_are_waited_for_once_even_across_groups() -> None:
    world = World()
    fed(world, [CLOCK] * 500, [CLOCK] * 500, [CASH])
    assert world.log == [
        "flush", "control/0 500", "control/0 500", "flush", "known 1000", "member/0 1", "flush",
    ]  # fmt: skip


def test_at_the_end_control_is_waited_for_too() -> None:
    world = World()
    fed(world, [CLOCK])
    assert world.log == ["flush", "control/0 1", "flush", "known 1", "flush"]


def test_a_product_that_control_puts_in_use_has_its_own_shard_from_then_on() -> None:
    world = World()
    fed(world, [trade("SCUZ26"), USE, trade("SCUZ26"), trade()])
    assert [entry for entry in world.log if entry[0] != "f"] == [
        "control/0 1", "control/0 1", "known 2", "market/SCU 1", "market/SIT 1"
    ]  # fmt: skip


@pytest.mark.parametrize("line", [b"{nonsense", b'{"type":"advance_clock/1"}', trade("XYZZ26")])
def test_what_control_only_refuses_is_waited_for_by_nobody(line: bytes) -> None:
    world = World()
    fed(world, [trade(), line, trade()])
    assert world.log == ["market/SIT 2", "control/0 1", "flush"]


def test_a_database_that_goes_away_during_a_wait_is_waited_for() -> None:
    world = World()
    world.readings_failing = 3
    fed(world, [CLOCK, trade()])
    assert world.log[-3:] == ["known 1", "market/SIT 1", "flush"]


def test_a_feed_knows_up_to_which_line_all_is_acknowledged() -> None:
    world = World()
    feed = fed(world, [trade()] * 3, [trade()] * 4)
    assert (feed.fed, feed.lines["market/SIT"]) == (7, 7)


def test_lines_go_out_no_faster_than_the_rate() -> None:
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    world = World()
    fed(world, [trade()] * 50, pace=Pace(400, clock=lambda: 0.0, sleep=sleep))
    assert [entry for entry in world.log if entry != "flush"] == [
        "market/SIT 20", "market/SIT 20", "market/SIT 10"
    ]  # fmt: skip
    assert rests == [0.05, 0.1, 0.125]  # Each begins where the last one ends.
