"""Members never settle a barrier that a market has not answered, whatever lies in their inbox."""

from __future__ import annotations

import pytest

from services.journal.migrate import migrate
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from services.worker.barriers import LinkBroken
from tests.services.reports.small_market import SMALL_MARKET
from tests.streams import Streams


def test_a_copy_that_lies_there_before_its_command_waits_for_the_markets(database: str) -> None:
    first = next(place for place, line in enumerate(SMALL_MARKET) if b"run_cycle" in line)
    migrate(database)
    with Streams(database) as streams:
        streams.feed(SMALL_MARKET[:first])
        members = streams.runs[MEMBER_SHARD]
        number = members.books.control.number + 1
        streams.put(MEMBER_SHARD, SMALL_MARKET[first], number=number)
        forged = streams.inboxes[MEMBER_SHARD][members.next_offset :]
        # Nobody has ordered it yet, so nothing is waited for; then it is ordered.
        assert members.until_barrier(forged) == 1
        streams.put(CONTROL_SHARD, SMALL_MARKET[first])
        streams.take(CONTROL_SHARD)
        with pytest.raises(LinkBroken, match="expected the last word of market/SIT, found none"):
            members.take(forged)
        del streams.runs[MEMBER_SHARD]
        members.abandon(LinkBroken())
