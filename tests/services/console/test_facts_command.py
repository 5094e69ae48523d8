"""`clearing facts`: existing books, as `clear --facts` wrote them, whole or in part."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from services.cli import cli
from tests.services.reports.small_market import DAY, NEXT, SMALL_MARKET

_TWO = {"posting/1", "margin_set/1"}


def clearing(*arguments: str) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(cli, arguments)


@pytest.fixture
def written(database: str, tmp_path: Path) -> Path:
    """The facts that `clear` wrote of the small market."""
    (tmp_path / "small.jsonl").write_bytes(b"".join(line + b"\n" for line in SMALL_MARKET))
    commands = ("clear", "--commands", str(tmp_path / "small.jsonl"), "--database", database)
    assert clearing(*commands, "--facts", str(tmp_path / "facts.jsonl")).exit_code == 0
    return tmp_path / "facts.jsonl"


def test_the_facts_are_those_that_clear_wrote(database: str, written: Path) -> None:
    result = clearing("facts", "--database", database)
    assert result.exit_code == 0
    assert result.stdout_bytes == written.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (("--type", "trade_novated"), lambda fact, _: fact["type"] == "trade_novated/1"),
        (("--type", "posting/1", "--type", "margin_set"), lambda fact, _: fact["type"] in _TWO),
        (("--shard", "control/0"), lambda fact, _: fact["shard"] == "control/0"),
        (("--from", NEXT), lambda _, day: day >= NEXT),
        (("--to", DAY), lambda _, day: day <= DAY),
        (("--from", DAY, "--to", DAY), lambda _, day: day == DAY),
    ],
)
def test_some_of_them_are_those_asked_for_in_the_same_order(
    database: str, written: Path, arguments: tuple[str, ...], kept: Callable[[Any, str], bool]
) -> None:
    with psycopg.connect(database) as connection:
        query = "SELECT shard, seq, business_date::text FROM clearing.journal"
        days = {row[:2]: row[2] for row in connection.execute(query)}
    lines = written.read_text("utf-8").splitlines()
    facts = [json.loads(line) for line in lines]
    expected = [
        line
        for line, fact in zip(lines, facts, strict=True)
        if kept(fact, days[fact["shard"], fact["seq"]])
    ]
    result = clearing("facts", *arguments, "--database", database)
    assert (result.exit_code, result.stdout.splitlines()) == (0, expected)
    assert expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--type", "trade_novatd"), "there is no fact trade_novatd; is it trade_novated?"),
        (("--type", "zzz"), "there is no fact zzz; `clearing schema` lists them"),
        (("--shard", "market/XYZ"), "there are control/0, market/SIT, member/0"),
        (("--from", "2030-01-01"), "no session from 2030-01-01 on; there are 2026-06-08, "),
        (("--to", "9.6.2026"), "expected a date YYYY-MM-DD"),
    ],
)
def test_what_there_is_not_is_named(
    database: str, written: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert written.exists()
    result = clearing("facts", *arguments, "--database", database)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
