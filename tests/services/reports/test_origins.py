"""What a report was made from stands in it; what the journal does not say does not."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version

import pytest
from click.testing import CliRunner

from services.cli import cli
from services.journal.connecting import url_parts
from services.journal.embedded import EmbeddedServer
from services.reports.formats import csv_lines, json_lines, table_lines
from services.reports.report import DerivedRowsChanged, ReportRequest
from services.reports.table import REPORTS
from services.reports.view import JournalView
from services.shards.shard import RULES_VERSION
from tests.conftest import fresh_database
from tests.services.audit.tampering import tamper
from tests.services.reports.asking import DAY, made
from tests.services.reports.expiring_market import FIRST, LAST

PROGRAM = f"clearing {version('token-clearinghouse')}, rules {RULES_VERSION}"
CLOSED = date.fromisoformat(LAST)


@pytest.fixture
def changed(postgres: EmbeddedServer, expiring: str) -> Iterator[str]:
    """A copy of the market in which a contract ends, to be changed."""
    yield from fresh_database(postgres, template=url_parts(expiring)["dbname"])


def change(url: str, table: str, column: str, *, where: tuple[str, str]) -> None:
    """Give a column of some rows another content. where: account or contract, and date."""
    name = "account" if table == "statement" else "contract"
    statement = ["UPDATE", table, "SET", column, "WHERE", name, f"= '{where[0]}'"]
    tamper(url, " ".join([*statement, f"AND business_date = '{where[1]}'"]))


def test_every_format_says_from_which_rows_and_by_which_program(view: JournalView) -> None:
    origins = view.origins(DAY)
    expected = [(origin.shard, origin.seq, origin.chain) for origin in origins]
    (last,) = view.rows_at("member/0", DAY, seqs=[expected[-1][1]])
    assert expected[-1] == ("member/0", last.seq, last.chain.hex())
    lines = list(table_lines(made(view, "trades")))
    assert lines[-4:] == [*(f"  {' '.join(map(str, row))}" for row in expected), f"  {PROGRAM}"]
    document = json.loads("\n".join(json_lines(made(view, "trades"))))
    assert document["program"] == PROGRAM
    assert [tuple(entry.values()) for entry in document["as_of"]] == expected


def test_a_csv_says_it_in_the_head_of_an_empty_column(view: JournalView) -> None:
    head, *rows = csv.reader(csv_lines(made(view, "trades")))
    assert head[-1].startswith("as of control/0 ")
    assert head[-1].endswith(f"; {PROGRAM}")
    assert {row[-1] for row in rows} == {""}


def test_of_a_closed_date_the_rows_are_those_until_its_close(expired: JournalView) -> None:
    (*_, then) = made(expired, "trades", business_date=date.fromisoformat(FIRST)).origins
    (*_, now) = made(expired, "members", business_date=CLOSED).origins
    heads = expired.reader.heads()
    assert now.seq == heads["member/0"].seq
    assert now.chain == heads["member/0"].chain.hex()
    assert then.seq < now.seq


def test_an_extract_without_a_date_may_reach_into_the_open_session(expired: JournalView) -> None:
    request = ReportRequest(CLOSED, options={"trade": "T3"})
    (*_, last) = REPORTS["trade"].make(expired, request).origins
    assert last.seq == expired.reader.heads()["member/0"].seq


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("cash_cents = 890001", "the journal has cash_cents 890000, the table 890001"),
        ("initial_cents = 1", "the journal has initial_cents 18419, the table 1"),
        ("maintenance_cents = 1", "the journal has maintenance_cents 13815, the table 1"),
        ("variation_cents = 1", "the journal has variation_cents -10000, the table 1"),
        ("equity_cents = 1", "the journal has equity_cents 890000, the table 1"),
        ("member = 'B'", "the journal has member A, the table B"),
        ("positions = '[]'", "the journal has positions .*1001.*, the table"),
    ],
)
def test_a_changed_row_of_a_statement_is_named_and_not_printed(
    changed: str, column: str, told: str
) -> None:
    change(changed, "statement", column, where=("A-H", LAST))
    for name in ("statement", "members"):
        with (
            JournalView(changed) as view,
            pytest.raises(DerivedRowsChanged, match=rf"statement A-H \d+: {told}"),
        ):
            list(made(view, name, business_date=CLOSED).rows)
    with JournalView(changed) as view:
        assert list(made(view, "statement", business_date=CLOSED, account="B-C").rows)


@pytest.mark.parametrize("cash", ["cash_cents + 1", "cash_cents - 900000"])
def test_a_changed_opening_balance_is_named(changed: str, cash: str) -> None:
    change(changed, "statement", f"cash_cents = {cash}", where=("A-H", FIRST))
    with (
        JournalView(changed) as view,
        pytest.raises(DerivedRowsChanged, match="the journal makes cash_cents 900000, found"),
    ):
        list(made(view, "statement", business_date=CLOSED, account="A-H").rows)


def test_a_row_too_few_or_too_many_is_named(changed: str) -> None:
    tamper(changed, "DELETE FROM statement WHERE account = 'B-C' AND business_date = '2026-06-17'")
    with (
        JournalView(changed) as view,
        pytest.raises(DerivedRowsChanged, match=r"statement B-C \d+: the table lacks the row"),
    ):
        list(made(view, "statement", business_date=CLOSED).rows)


@pytest.mark.parametrize("name", ["prices", "activity", "statement"])
def test_a_changed_settlement_price_is_named(changed: str, name: str) -> None:
    change(changed, "settlement_price", "price_ticks = 231", where=("SITN26", LAST))
    told = (
        r"settlement_price market/SIT \d+ SITN26 .*the journal has price_ticks 230, the table 231"
    )
    with JournalView(changed) as view, pytest.raises(DerivedRowsChanged, match=told):
        list(made(view, name, business_date=CLOSED).rows)


def test_a_changed_fact_is_not_blamed_on_the_table(changed: str) -> None:
    ticks = "replace(encode(facts, 'escape'), '\"price_ticks\":230', '\"price_ticks\":231')"
    statement = ["UPDATE journal SET facts = convert_to(", ticks, ", 'UTF8')"]
    statement += ["WHERE shard = 'market/SIT' AND facts LIKE '%day_closed%' AND business_date ="]
    tamper(changed, " ".join([*statement, f"'{LAST}'"]))
    told = r"do not agree:\n.*SITN26 .*the journal has price_ticks 231, the table 230\n.*verify"
    with JournalView(changed) as view, pytest.raises(DerivedRowsChanged, match=told):
        list(made(view, "prices", business_date=CLOSED).rows)


@pytest.mark.parametrize(("seq", "day"), [("seq - 1", FIRST), ("seq + 1", LAST)])
def test_a_changed_close_hides_no_row(changed: str, seq: str, day: str) -> None:
    statement = ["UPDATE day SET seq =", seq, "WHERE shard = 'market/SIT'"]
    tamper(changed, " ".join([*statement, f"AND business_date = '{FIRST}'"]))
    told = rf"day market/SIT: a close hides the journal's row \d+ of {day}"
    with JournalView(changed) as view, pytest.raises(DerivedRowsChanged, match=told):
        list(made(view, "trades", business_date=date.fromisoformat(day)).rows)


@pytest.mark.parametrize("shape", ["table", "csv", "json"])
@pytest.mark.parametrize("table", ["statement", "settlement_price"])
def test_the_command_names_it_prints_nothing_and_exits_with_1(
    changed: str, table: str, shape: str
) -> None:
    where = ("B-H", LAST) if table == "statement" else ("SITN26", LAST)
    change(changed, table, "cash_cents = 1" if table == "statement" else "tier = 4", where=where)
    wanted = ["report", "statement", "--date", LAST, "--format", shape, "--database", changed]
    result = CliRunner().invoke(cli, wanted)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Error: not printed" in result.stderr
    assert f"{table} " in result.stderr
