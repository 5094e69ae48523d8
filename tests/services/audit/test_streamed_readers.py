"""Laws and reports of a journal that workers wrote: what they say of one that one process wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from services.embedded.run import restore
from services.journal.embedded import EmbeddedServer
from services.journal.reader import Reader
from services.reports.report import ReportRequest
from services.reports.table import REPORTS
from services.reports.view import JournalView
from services.shards.clearinghouse import Clearinghouse
from services.shards.rows import JournalRows, PartRow
from tests.conftest import TEMPLATE, fresh_database
from tests.laws import broken_laws, check_laws
from tests.services.audit.streamed import embedded, streamed
from tests.services.reports.default_market import DEFAULT_MARKET
from tests.services.reports.makers_market import MAKERS_MARKET
from tests.services.reports.small_market import SMALL_MARKET
from tests.twin.generate import written

# Nothing halted, no limit was near, and the one call was met.
_SILENT = {"calls", "halts", "limits", "spread"}
# In the small market nobody is a maker or large, and nobody fails.
_MARKETS = (
    ({"makers", "large-traders"}, MAKERS_MARKET),
    ({"default", "fund"}, DEFAULT_MARKET),
    ({*REPORTS}, SMALL_MARKET),
)
# Where and when something came and which number it has, not what was decided.
_OF_PLACE = {"seq", "origin", "position", "chain", "received_at"}


@pytest.mark.parametrize("seed", [1, 5])
def test_the_laws_hold(database: str, seed: int) -> None:
    streamed(database, written(seed, 3).lines, seed=seed)
    with Reader(database) as reader:
        facts = [
            json.loads(line)
            for block in reader.facts()
            for one in block
            for line in one.facts.split(b"\n")
            if line
        ]
        check_laws(whole(reader))
    assert facts
    assert broken_laws(facts) == []


def whole(reader: Reader) -> Clearinghouse:
    """The house of a journal, its logs holding every row from 0 on."""
    clearinghouse = restore(reader)
    assert clearinghouse is not None
    for name, shard in clearinghouse.shards.items():
        pending = shard.log.pending
        pending.days = reader.days(name)
        pending.rows = JournalRows(row for block in reader.rows(name) for row in block)
        pending.parts = [
            PartRow(name, row.seq, number, part)
            for row in pending.rows
            if row.parts > 1
            for number, part in enumerate(reader.parts(name, row.seq), start=1)
        ]
    return clearinghouse


@pytest.fixture(scope="module")
def journals(
    migrated: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[tuple[str, str]]]:
    """Of each market the journal that workers wrote, and that of one process."""
    with ExitStack() as opened:
        fresh, made = partial(contextmanager(fresh_database), migrated, template=TEMPLATE), []
        for _, market in _MARKETS:
            ours, theirs = (opened.enter_context(fresh()) for _ in range(2))
            streamed(ours, market, is_disturbed=False)
            embedded(theirs, tmp_path_factory.mktemp("one") / "market.jsonl", market)
            made.append((ours, theirs))
        yield made


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "trade"])
def test_reports_say_what_they_say_of_one_process(
    journals: list[tuple[str, str]], name: str
) -> None:
    database, other = journals[next(n for n, (names, _) in enumerate(_MARKETS) if name in names)]
    assert reported(database, name) == reported(other, name)
    assert (reported(other, name) == []) is (name in _SILENT)


def test_an_extract_of_a_trade_says_what_it_says_of_one_process(
    database: str, other: str, tmp_path: Path
) -> None:
    streamed(database, SMALL_MARKET)
    embedded(other, tmp_path / "market.jsonl", SMALL_MARKET)
    found = [row for row in reported(database, "trade", trade="T1") if "wrong_shard" not in row]
    assert found == reported(other, "trade", trade="T1") != []


def reported(url: str, name: str, **options: str) -> list[tuple[object, ...]]:
    """The rows of a report without what rightly differs, in an order of their own."""
    with JournalView(url) as view:
        report = REPORTS[name].make(view, ReportRequest(view.last_date(), options=options))
        keep = [place for place, name in enumerate(report.columns) if name not in _OF_PLACE]
        return sorted((tuple(row[place] for place in keep) for row in report.rows), key=str)
