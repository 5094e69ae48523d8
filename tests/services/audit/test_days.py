"""A list of days kept elsewhere tells a rewritten history, and one that was cut off."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from services.audit.days import ExpectedDays, closed_days, first_day_that_differs, read_days
from services.audit.replay import replayed_days
from services.audit.verify import audit, verify
from services.console.days_command import days_report
from services.embedded.clear import clear
from services.journal.reader import Reader
from services.reports.formats import FORMATS
from tests.services.audit.streamed import streamed
from tests.services.reports.small_market import SMALL_MARKET


def cleared(url: str, path: Path, lines: list[bytes]) -> str:
    """The database in which lines were cleared."""
    path.write_bytes(b"\n".join(lines))
    clear(url, str(path))
    return url


def listed(url: str, shape: str = "csv") -> str:
    """The list of days as `clearing days` prints it."""
    with Reader(url) as reader:
        return "\n".join(FORMATS[shape](days_report(closed_days(reader))))


def differences(url: str, text: str) -> list[str]:
    """What an audit finds that compares with a list."""
    return list(audit(url, expected=read_days(text)).differences)


@pytest.mark.parametrize("shape", ["csv", "json"])
def test_a_list_agrees_with_the_books_it_was_kept_from(journal: str, shape: str) -> None:
    assert differences(journal, listed(journal, shape)) == []


def test_rows_of_a_day_add_up_to_the_row_that_closed_it(journal: str) -> None:
    with Reader(journal) as reader:
        days = [day for day in closed_days(reader) if day.shard == "market/SIT"]
    assert len(days) > 1
    assert sum(day.rows for day in days) == days[-1].seq + 1


def test_a_bust_for_another_reason_agrees_with_itself_and_not_with_the_list(
    database: str, other: str, tmp_path: Path
) -> None:
    kept = listed(cleared(database, tmp_path / "market.jsonl", SMALL_MARKET))
    changed = [line.replace(b'"reason":"error"', b'"reason":"fraud"') for line in SMALL_MARKET]
    assert changed != SMALL_MARKET
    cleared(other, tmp_path / "market.jsonl", changed)
    assert verify(other) == []
    (finding,) = differences(other, kept)
    assert " market/SIT history_hash: expected " in finding


def test_books_cut_off_before_a_close_miss_a_day(database: str, other: str, tmp_path: Path) -> None:
    kept = listed(cleared(database, tmp_path / "market.jsonl", SMALL_MARKET))
    closes = [number for number, line in enumerate(SMALL_MARKET) if b"close_session" in line]
    cleared(other, tmp_path / "market.jsonl", SMALL_MARKET[: closes[-1]])
    assert verify(other) == []
    (finding,) = differences(other, kept)
    assert finding.endswith("control/0 expected this day, the books have not closed it")


def test_days_after_the_last_one_listed_are_counted_and_not_compared(journal: str) -> None:
    days = read_days(listed(journal))
    first = [day for day in days if day["business_date"] == days[0]["business_date"]]
    verdict = audit(journal, expected=first)
    assert verdict.differences == []
    assert (verdict.expected_days, verdict.later_days) == (len(first), len(days) - len(first))


def test_workers_have_the_days_of_one_process(database: str, other: str, tmp_path: Path) -> None:
    kept = read_days(listed(cleared(database, tmp_path / "market.jsonl", SMALL_MARKET)))
    streamed(other, SMALL_MARKET, is_disturbed=False)
    without_chain = [{n: day[n] for n in day if n != "chain"} for day in kept]
    with Reader(other) as reader:
        assert first_day_that_differs(without_chain, closed_days(reader)) is None
        difference = first_day_that_differs(kept, closed_days(reader))
    assert difference is not None
    assert " chain: expected " in difference


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found none in it"),
        ("a,b\n1,2", "day 1: expected the columns that `clearing days` writes, found no business"),
        ('{"rows": 3}', "expected a list as"),
        ("{", "expected a list as"),
        ("business_date,shard,history_hash,hash\n1,2,3,4", "found a column hash"),
    ],
)
def test_what_is_no_list_is_said(text: str, said: str) -> None:
    with pytest.raises(ExpectedDays, match="expected") as raised:
        read_days(text)
    assert said in str(raised.value)


def test_a_verdict_says_what_it_looked_at_and_what_it_did_not(journal: str) -> None:
    whole, short = audit(journal), audit(journal, from_snapshot=True)
    with Reader(journal) as reader:
        heads, dates = reader.heads(), [day.business_date for day in closed_days(reader)]
    assert [(one.shard, one.first_row, one.head, one.chain) for one in whole.shards] == [
        (shard, 0, head.seq, head.chain.hex()) for shard, head in sorted(heads.items())
    ]
    assert {one.first_date for one in whole.shards if one.shard != "market/SCU"} == {min(dates)}
    assert all(one.last_date >= max(dates) for one in whole.shards if one.last_date)
    assert all(one.before == one.first_row > 0 for one in short.shards)
    text = "\n".join(short.scope(program="9.9"))
    assert "by program 9.9, rules version 3; written by one process" in text
    assert f"; not rows 0 to {short.shards[0].before - 1}; chain" in text
    assert "cannot see a history that was rewritten whole" in text
    tree = json.loads(json.dumps(short.tree(program="9.9")))
    assert tree["agrees"] is True
    assert tree["shards"][0]["before"] == short.shards[0].before


def test_a_trigger_that_is_off_is_a_verdict_of_its_own(journal: str) -> None:
    assert audit(journal).agrees
    with psycopg.connect(journal, autocommit=True) as connection:
        connection.execute(b"ALTER TABLE clearing.day DISABLE TRIGGER append_only")
    verdict = audit(journal, from_snapshot=True)
    assert (verdict.agrees, verdict.differences) == (False, [])
    assert verdict.scope(program="9")[0] == "guard of day: its trigger append_only is off or gone"


def test_days_computed_anew_are_those_stated(journal: str, streamed_journal: str) -> None:
    for url in (journal, streamed_journal):
        with Reader(url) as reader:
            stated = closed_days(reader)
        assert len(stated) > 3
        assert replayed_days(url) == stated
