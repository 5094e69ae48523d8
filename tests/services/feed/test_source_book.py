"""What a source has sent is counted as Kafka counts it, and kept while the database is away."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import connect

from services.broker.topic_creation import TopicPlan, make_topics
from services.broker.trouble import BrokerTrouble
from services.feed import source_book
from services.feed.delivered import DeliveredLine, delivered_lines
from services.feed.inboxes import RecordedInboxes
from services.feed.sent_account import SentAccount
from services.feed.source_book import SourceBook
from services.feed.stall import StallTimer
from services.journal.fed_sources import FedSource, FeedClaim, Sent
from services.journal.reader import Reader
from services.journal.trouble import FencedOff
from services.settings import Settings
from services.sources.source import SourceTrouble
from tests.services.feed.test_resume import feed_lines_of, trades

FED = FedSource(7, 0, 1, 3, 2, b"\x01" * 32, ["SIT"], {"market/SIT": Sent(2, 9)}, is_whole=False)


def test_a_line_that_kafka_has_is_not_sent_again() -> None:
    delivered = {"market/SIT": deque([DeliveredLine(b"a", 11), DeliveredLine(b"b", 14)])}
    account = SentAccount("day", FED.sent, delivered=delivered)
    assert account.next_sequence("market/SIT") == 4
    assert account.put("market/SIT", [b"a"]) == ([], 11)
    assert account.sent == {"market/SIT": Sent(3, 12)}
    assert account.put("market/SIT", [b"b", b"c"]) == ([b"c"], 14)
    account.acknowledge("market/SIT", 20)
    assert account.sent == {"market/SIT": Sent(5, 21)}
    assert account.put("member/0", [b"d"]) == ([b"d"], None)


def test_more_lines_than_kafka_counts_are_no_source() -> None:
    account = SentAccount("day", {"market/SIT": Sent((1 << 31) - 2, 0)})
    assert account.put("market/SIT", [b"a"]) == ([b"a"], None)
    with pytest.raises(SourceTrouble, match="more than Kafka counts"):
        account.put("market/SIT", [b"b"])


def test_a_claim_goes_on_where_the_one_before_it_ended(url: str) -> None:
    with FeedClaim(url, "day") as first:
        assert first.recorded is None
        first.save(FED)
        with pytest.raises(FencedOff, match="another process feeds day"):
            FeedClaim(url, "day")
        FeedClaim(url, "night").close()
        first.save(replace(FED, line=4))
    with FeedClaim(url, "day") as second:
        assert second.recorded == replace(FED, line=4)
        # As a process whose connection, and lock, had broken before the second one came.
        with pytest.raises(FencedOff, match="began to feed day meanwhile"):
            first.save(FED)
        first.close()


def test_what_is_fed_is_recorded_as_soon_as_the_database_is_back(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_book, "_RETRY_S", 0.01)
    stall = StallTimer(lambda _: None, timeout_s=30)
    with FeedClaim(url, "day") as claim:
        claim.save(replace(FED, lines=0, line=0))
    with FeedClaim(url, "day") as claim:
        book = SourceBook(claim, "day", first=1, stall=stall)
        with connect(url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

        async def keep() -> None:
            account = await book.account(None, {})  # type: ignore[arg-type]
            book.add([b"a"], 1)
            assert account.put("market/SIT", [b"a"]) == ([b"a"], None)
            await book.keep(["SIT"], is_whole=True)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(source_book, "delivered_lines", nothing_delivered)
            asyncio.run(keep())
    with FeedClaim(url, "day") as claim:
        assert claim.recorded is not None
        assert (claim.recorded.line, claim.recorded.sent) == (1, {"market/SIT": Sent(3, 9)})


async def nothing_delivered(*_: object, **_named: object) -> dict[str, deque[DeliveredLine]]:
    """As of a source of which Kafka has nothing behind what is recorded."""
    return {}


def test_a_topic_that_lost_messages_of_a_source_is_told(streams: Settings, tmp_path: Path) -> None:
    make_topics(streams, TopicPlan(replication=1, min_insync=1))
    feed_lines_of(streams, trades(3), tmp_path / "day.jsonl")
    with Reader(str(streams.database)) as reader:
        inboxes = RecordedInboxes(streams, reader)
    with FeedClaim(str(streams.database), "day.jsonl") as claim:
        fed = claim.recorded
    assert fed is not None
    ends = inboxes.ends()
    early = replace(fed, sent={"market/SIT": Sent(0, 0)})
    found = asyncio.run(delivered_lines(streams, early, ends=ends))
    assert [line for line, _ in found["market/SIT"]] == trades(3)
    late = replace(fed, sent={"market/SIT": Sent(1, 0)})
    with pytest.raises(BrokerTrouble, match="has message 0 of this source at offset 0, expected"):
        asyncio.run(delivered_lines(streams, late, ends=ends))
