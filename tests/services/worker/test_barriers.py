"""Members never settle a barrier that a market has not answered, whatever lies in their inbox."""

from __future__ import annotations

import pytest

from services.journal.reader import Reader
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from services.worker.barriers import LinkBroken, read_answers
from tests.services.reports.small_market import SMALL_MARKET
from tests.streams import Streams

FIRST = next(place for place, line in enumerate(SMALL_MARKET) if b"run_cycle" in line)


def test_a_copy_that_lies_there_before_its_command_is_refused_however_late_it_is_taken(
    url: str,
) -> None:
    with Streams(url) as streams:
        streams.feed(SMALL_MARKET[:FIRST])
        members = streams.runs[MEMBER_SHARD]
        number = members.shard.control.number + 1
        streams.put(MEMBER_SHARD, SMALL_MARKET[FIRST], number=number)
        forged = streams.inboxes[MEMBER_SHARD][members.next_offset :]
        # Nobody has ordered it yet, so nothing is waited for; then it is ordered.
        assert members.decider.until_barrier(forged) == 1
        streams.put(CONTROL_SHARD, SMALL_MARKET[FIRST])
        streams.run_shard(CONTROL_SHARD)
        members.run_batch(forged)
        assert members.refusals() == {"wrong_shard": 1}
        streams.copy()
        streams.run_all()
        assert members.shard.control.number == number


def test_a_barrier_without_the_last_word_of_a_market_is_not_settled(url: str) -> None:
    with Streams(url) as streams, Reader(url) as reader:
        streams.feed(SMALL_MARKET[:FIRST])
        with pytest.raises(LinkBroken, match="expected the last word of market/SIT, found none"):
            read_answers(reader, 1, products=["SIT"], last={})
