"""The page of a demonstration in a real browser: its figures are those of the reports."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from services.cli import cli
from services.demo.summary import dollars
from tests.browser import said_of

WIDTHS = (360, 1100)
# What sticks out of the page, and the boxes that scroll by themselves.
MEASURE = """
    const root = page.documentElement;
    const inBox = element => element.closest(".scroll") !== null;
    const sticks = element => element.getBoundingClientRect().right > root.clientWidth + 1;
    const out = [...page.body.querySelectorAll("*")].filter(e => sticks(e) && !inBox(e));
    const boxes = [...page.querySelectorAll(".scroll")].filter(b => b.scrollWidth > b.clientWidth);
    return [root.scrollWidth, out.map(element => element.outerHTML.slice(0, 80)), boxes.length];
"""
TABLES = """
    page.querySelectorAll("details").forEach(details => details.open = true);
    const table = table => [table.caption.innerText, rows(table)];
    return Object.fromEntries([...page.querySelectorAll("table")].map(table));
"""
TILES = "return [...page.querySelectorAll('.tiles li')].map(tile => tile.innerText);"
CUT_OFF = """
    const wide = [...page.querySelectorAll(".scroll")].filter(b => b.scrollWidth > b.clientWidth);
    return wide.map(box => box.innerText.slice(0, 80));
"""


@pytest.fixture(scope="session")
def page(shown: tuple[Path, Result]) -> str:
    """The page as it lies in the folder."""
    return (shown[0] / "index.html").read_text("utf-8")


@pytest.fixture(scope="session")
def tables(page: str) -> dict[str, list[list[str]]]:
    """The texts of its tables in the browser, by caption."""
    told: dict[str, list[list[str]]] = said_of(page, TABLES, width=1100)
    return told


def reported(shown: tuple[Path, Result], name: str) -> list[dict[str, str]]:
    """The rows of a report beside the page."""
    with (shown[0] / f"reports/{name}.csv").open(encoding="utf-8") as file:
        return [*csv.DictReader(file)]


def cents_of(text: str) -> int:
    """The cents of an amount of whole dollars on the page."""
    return 100 * int(re.sub(r"[$,]", "", text.removesuffix(".00")))


def whole_dollars(cents: int) -> int:
    """Cents rounded as the page does, half up."""
    return (cents + 50) // 100 * 100


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_but_the_boxes_of_tables_and_charts_is_wider_than_the_screen(
    page: str, width: int
) -> None:
    scroll_width, sticking_out, boxes = said_of(page, MEASURE, width=width)
    assert (scroll_width, sticking_out) == (width, [])
    # On a phone tables and charts are wider, and scroll in their boxes.
    assert (boxes > 5) == (width < 500)


def test_paper_cuts_nothing_off(page: str) -> None:
    # A4 without its margins; the rules of print taken for the screen.
    printed = page.replace("@media print", "@media all")
    assert said_of(printed, CUT_OFF, width=688) == []


def test_requirement_and_collateral_are_those_of_statement_and_postings(
    shown: tuple[Path, Result], tables: dict[str, Any]
) -> None:
    required, collateral = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    lacking = Counter[tuple[str, str]]()
    for line in reported(shown, "statement"):
        if (line["line"], line["cycle"]) == ("balance", "close"):
            initial = int(line["initial_cents"])
            required[line["member"], line["origin"]] += initial
            lacks = max(0, initial - int(line["equity_cents"]))
            lacking[line["member"], line["origin"]] += lacks
    for line in reported(shown, "postings"):
        for side, sign in (("debit", -1), ("credit", 1)):
            if line[side].startswith("cash:"):
                member, number = line[side].removeprefix("cash:").split("-")
                origin = "house" if number == "H" else "customer"
                collateral[member, origin] += sign * int(line["amount_cents"])
    (told,) = [rows for caption, rows in tables.items() if caption.startswith("Initial margin")]
    assert len(told) == 12
    for member, origin, _, on_page, had, excess, deficit in told:
        assert cents_of(on_page) == whole_dollars(required[member, origin])
        assert cents_of(had) == whole_dollars(collateral[member, origin])
        assert cents_of(excess) > 0
        assert deficit == dollars(lacking[member, origin])


def test_the_last_close_is_that_of_prices_and_trades(
    shown: tuple[Path, Result], tables: dict[str, Any]
) -> None:
    prices, statement = reported(shown, "prices"), reported(shown, "statement")
    last = max(line["business_date"] for line in prices)
    volume, long = Counter[str](), Counter[str]()
    for line in reported(shown, "trades"):
        if line["event"] == "trade_novated" and line["business_date"] == last:
            volume[line["contract"]] += int(line["lots"])
    for line in statement:
        is_close = (line["business_date"], line["cycle"], line["line"]) == (
            last,
            "close",
            "position",
        )
        if is_close and int(line["lots"]) > 0:
            long[line["contract"]] += int(line["lots"])
    settled = {
        line["contract"]: (int(line["price_ticks"]), line["tier"])
        for line in prices
        if (line["business_date"], line["kind"]) == (last, "settlement_price_set")
    }
    told = tables["SIT: settlement prices, volume and open interest"]
    assert [row[0] for row in told] == [name for name in settled if name.startswith("SIT")]
    for contract, price, _, tier, lots, open_lots in told:
        ticks, number = settled[contract]
        assert (price, tier[0]) == (f"${ticks // 100}.{ticks % 100:02d}", number)
        assert (lots, open_lots) == (f"{volume[contract]:,}", f"{long[contract]:,}")


def test_net_and_gross_variation_are_those_of_the_statement(
    shown: tuple[Path, Result], page: str
) -> None:
    asked = ["report", "statement", "--from", "2025-03-17", "--format", "csv"]
    answer = CliRunner().invoke(cli, [*asked, "--data", str(shown[0] / "books")])
    lines = [*csv.DictReader(answer.stdout.splitlines())]
    positions = [line for line in lines if line["line"] in {"position", "position_closed"}]
    gross = sum(max(0, int(line["variation_cents"])) for line in positions)
    instructed = [line for line in lines if line["line"] == "settlement_instructed"]
    net = sum(max(0, int(line["variation_cents"])) for line in instructed)
    assert 0 < net < gross
    tiles = said_of(page, TILES, width=360)
    told = {label: figure for figure, label in (tile.split("\n", 1) for tile in tiles)}
    assert cents_of(told["variation, gross"]) == whole_dollars(gross)
    assert cents_of(told["variation, net through the bank"]) == whole_dollars(net)


def test_the_fund_at_each_close_is_that_of_its_report(
    shown: tuple[Path, Result], tables: dict[str, Any]
) -> None:
    lines = reported(shown, "fund")
    stated = {line["business_date"]: line for line in lines if line["line"] == "fund"}
    own = {line["business_date"]: line for line in lines if line["line"] == "capital"}
    on_page = tables["The fund at each close"]
    assert len(on_page) == 3
    for day, scenario, cover, size, contributed, capital, _ in on_page:
        assert scenario == stated[day]["scenario"].replace("_", " ")
        names = ("cover_cents", "required_cents", "contribution_cents")
        amounts = zip((cover, size, contributed), names, strict=True)
        assert [cents_of(text) for text, _ in amounts] == [
            whole_dollars(int(stated[day][name])) for name in names
        ]
        assert cents_of(capital) == int(own[day]["contribution_cents"]) == 50_000_000


def test_whole_hashes_and_the_files_beside_it_are_there(
    shown: tuple[Path, Result], page: str, tables: dict[str, Any]
) -> None:
    said = {text for row in tables["Hashes at each close"] for text in row[3].split()}
    assert [
        text for text in re.findall(r"\b[0-9a-f]{64}\b", shown[1].stdout) if text not in said
    ] == []
    links = said_of(page, "return [...page.links].map(a => a.getAttribute('href'))", width=360)
    assert {"commands.jsonl", "days.csv"} < set(links)
    assert len(links) == 2 + len([*(shown[0] / "reports").iterdir()])
    assert [link for link in links if not (shown[0] / link).is_file()] == []
