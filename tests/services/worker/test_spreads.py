"""Spreads of two markets that are two shards: both legs or neither, whoever ends or comes late."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path

import pytest

from services.audit.verify import verify
from services.embedded.answers import answers_to
from services.journal.reader import Reader
from services.journal.trouble import FencedOff
from services.shards.rows import JournalRow, LinkRow
from services.worker.barriers import LinkBroken
from services.worker.shard_run import ShardRun
from tests.laws import check_spreads
from tests.services.audit.streamed import embedded
from tests.services.audit.tampering import tamper
from tests.services.worker.spread_market import opening, spread, spread_market, trade
from tests.services.worker.test_shards_agree import embedded_hashes
from tests.streams import Streams, day_hashes

SIT, SCU = "market/SIT", "market/SCU"


def rows_of(url: str) -> list[JournalRow]:
    """All rows of a journal."""
    with Reader(url) as reader:
        return [row for shard in reader.heads() for row in chain.from_iterable(reader.rows(shard))]


def votes_of(url: str, number: int) -> list[LinkRow]:
    """The votes on the spread of a number, that of market/SIT first."""
    with Reader(url) as reader:
        return [row for target in (SCU, SIT) for row in reader.votes(target, number)]


def verified(url: str) -> list[str]:
    """What is found from the first row on, and from the last snapshots."""
    return verify(url) + verify(url, from_snapshot=True)


def vote(streams: Streams, shard: str) -> ShardRun:
    """A market decides up to the spread at the end of its inbox and votes."""
    run = streams.runs[shard]
    while unread := streams.inboxes[shard][run.next_offset :]:
        free = run.decider.until_barrier(unread)
        if not free:
            run.vote(unread[0])
            return run
        run.run_batch(unread[:free])
    raise AssertionError(shard)


def submit(streams: Streams, *lines: bytes) -> None:
    """Lines of which only `control/0` decides its own; their copies lie in all inboxes."""
    for line in lines:
        streams.put("control/0", line)
    streams.run_shard("control/0")
    streams.copy()


def abandon(streams: Streams, shard: str) -> None:
    """End a run as a kill does, and load it again: what is not durable is forgotten."""
    run = streams.runs.pop(shard)
    run.abandon(KeyboardInterrupt())
    streams.start(shard)


@pytest.mark.parametrize("seed", range(2))
def test_spreads_leave_the_day_hashes_of_one_process(url: str, seed: int) -> None:
    lines = spread_market(seed)
    with Streams(url, seed=seed) as streams:
        for first in range(0, len(lines), 33):
            streams.feed(lines[first : first + 33])
            for shard in (SIT, SCU):
                if shard in streams.runs:
                    abandon(streams, shard)
    assert day_hashes(url) == embedded_hashes(lines)
    assert verified(url) == []
    check_spreads(rows_of(url))


def test_a_market_that_ends_between_vote_and_decision_votes_the_same(url: str) -> None:
    with Streams(url) as streams:
        streams.feed(opening())
        submit(streams, spread("s1"))
        for shard in (SIT, SCU):
            number = vote(streams, shard).shard.control.number + 1
            votes = votes_of(url, number)
            assert {vote.payload for vote in votes} == {b'{"reason":null,"detail":null}'}
            assert verified(url) == []
            abandon(streams, shard)
            vote(streams, shard)
            assert votes_of(url, number) == votes
        streams.run_all()
    assert verified(url) == []
    check_spreads(rows_of(url))


def test_a_market_decides_once_the_further_one_has_ended_after_its_vote(url: str) -> None:
    with Streams(url) as streams:
        streams.feed(opening())
        submit(streams, spread("s1", second=("L2", "SCUM26", "2.88", 2)), spread("s2"))
        vote(streams, SCU)
        streams.stop(SCU)
        unread = streams.inboxes[SIT][streams.runs[SIT].next_offset :]
        vote(streams, SIT)
        streams.runs[SIT].run_batch(unread[:1])
        streams.runs[SIT].drain()
        assert verified(url) == []
        vote(streams, SIT)
        assert streams.runs[SIT].decider.missing_markets(unread[1]) == [SCU]
        streams.start(SCU)
        streams.run_all()
    assert verified(url) == []
    check_spreads(rows_of(url))


def test_what_comes_to_one_market_behind_the_spread_waits_for_it(url: str) -> None:
    """A trade with the id of a leg, sent right behind it, is a conflict whoever is slow."""
    with Streams(url) as streams:
        streams.feed(opening())
        submit(streams, spread("s1"))
        streams.put(SIT, trade(("L1", "SITM26", "2.05", 3)))
        streams.put(SCU, trade(("T9", "SCUM26", "2.52", 2)))
        streams.run_all()
    facts = [row.facts for row in rows_of(url) if row.shard == SIT][-1]
    assert b'"reason":"trade_id_conflict"' in facts
    assert verified(url) == []


@pytest.mark.parametrize("second", [("L2", "SCUM26", "2.52", 2), ("L2", "SITN26", "2.06", 2)])
def test_the_ids_of_legs_are_looked_up_however_the_type_is_spelled(
    url: str, second: tuple[str, str, str, int]
) -> None:
    """A JSON text may write any letter as an escape; L1 is known, so neither leg is cleared."""
    line = spread("s1", second=second).replace(b"submit_spread/1", rb"submit\u005fspread\/1")
    with Streams(url) as streams:
        streams.feed([*opening(), trade(("L1", "SITM26", "2.05", 3))])
        streams.feed([line])
    facts = b"".join(row.facts for row in rows_of(url))
    assert facts.count(b'"reason":"trade_id_conflict"') == 1
    assert facts.count(b"trade_novated/1") == 1
    assert verified(url) == []


CHANGED = """UPDATE link SET payload = '{"reason":"self_trade","detail":"x"}'
WHERE source = 'market/SCU' AND target = 'market/SIT'"""
SAID = "market/SCU seq [0-9]+ link 10 payload: expected .*null.*, found .*self_trade"


def test_a_changed_vote_is_found_and_stops_who_reads_or_repeats_it(url: str) -> None:
    with Streams(url) as streams:
        streams.feed(opening())
        submit(streams, spread("s1"))
        vote(streams, SCU)
        tamper(url, CHANGED)
        assert re.match(SAID, verify(url)[0])
        with pytest.raises(LinkBroken, match="its hash is not that of its content"):
            streams.run_shard(SIT)
        with pytest.raises(LinkBroken, match=r"expected .*null.*, as decided again, found .*self"):
            vote(streams, SCU)


def test_a_vote_changed_or_lost_after_its_spread_was_decided_is_found(url: str) -> None:
    with Streams(url) as streams:
        streams.feed([*opening(), spread("s1")])
    tamper(url, CHANGED)
    assert re.match(SAID, verify(url)[0])
    tamper(url, "DELETE FROM link WHERE source = 'market/SCU'")
    assert "link 10: expected market/SCU" in verify(url)[0]


def test_one_process_leaves_the_same_votes_and_answers_with_the_markets_reason(
    database: str, tmp_path: Path
) -> None:
    refused = spread("s2", ("L3", "SITM26", "2.05", 1), ("L4", "SCUM26", "2.88", 1))
    lines = [*opening(), spread("s1"), refused, trade(("T1", "SITM26", "2.05", 1))]
    embedded(database, tmp_path / "market.jsonl", lines)
    assert verify(database) == []
    reasons = [json.loads(vote.payload)["reason"] for vote in votes_of(database, 11)]
    assert reasons == [None, "price_outside_limit"]
    with Reader(database) as reader:
        answers = [*answers_to(reader, "market.jsonl", number_of=lambda count, _: count)][-3:]
    assert [(answer.outcome, answer.reference, answer.shard) for answer in answers] == [
        ("accepted", "s1", "control/0"),
        ("price_outside_limit", "s2", SCU),
        ("accepted", "T1", SIT),
    ]
    tamper(database, CHANGED + " AND number = 10")
    assert re.match(SAID, verify(database)[0])


def test_a_refused_spread_is_no_answer_to_the_file_before_its_own(
    database: str, tmp_path: Path
) -> None:
    """Refused by `control/0` for its late time or by a market for its price, in a second file."""
    late = spread("s2").replace(b"2026-06-08T10", b"2027-06-08T10")
    far = spread("s3", second=("L2", "SCUM26", "2.88", 2))
    embedded(database, tmp_path / "first.jsonl", [*opening(), trade(("T1", "SITM26", "2.05", 1))])
    embedded(database, tmp_path / "second.jsonl", [late, far])
    with Reader(database) as reader:
        outcomes = [
            [*answers_to(reader, source, number_of=lambda count, _: count)][-1].outcome
            for source in ("first.jsonl", "second.jsonl")
        ]
    assert outcomes == ["accepted", "price_outside_limit"]


def test_of_two_processes_at_one_head_only_the_first_votes(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vote leaves the head where it is: whoever is second lets go, as behind a moved head."""
    with Streams(url) as streams:
        streams.feed(opening())
        submit(streams, spread("s1"))
        first = streams.runs.pop(SIT)
        streams.load(SIT)
        second, copy = streams.runs.pop(SIT), streams.inboxes[SIT][-1]
        assert [run.decider.until_barrier([copy]) for run in (first, second)] == [0, 0]
        votes = second.decider.vote(copy)
        first.vote(copy)
        monkeypatch.setattr(second.decider, "vote", lambda _: votes)
        with pytest.raises(FencedOff):
            second.vote(copy)
        first.close()
        second.abandon(KeyboardInterrupt())
        streams.load(SIT)
        streams.run_all()
    assert verify(url) == []
