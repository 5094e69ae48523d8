"""Trades of GPU hours as trades of SCU: exact, or refused by what does not come out whole."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from events.codec import decode_command
from events.command import Malformed
from services.sources.csv_trades import column_mapping, trade_lines

HEADER = b"trade_id,contract,price,lots,buyer,seller,executed_at,gpu\n"
GOOD = b"T0,SCUM26,2.50,10,A,B,2026-06-08T14:00:00Z,H100-80GB-SXM\n"


def table_at(product: str, at: int) -> Mapping[str, int]:
    """One that has no H200 and changes on the second of June."""
    assert product == "SCU"
    return {"A100-80GB-SXM": 400_000 if at >= 1_780_358_400 * 10**9 else 500_000,
            "H100-80GB-SXM": 1_000_000, "B200-180GB-SXM": 2_274_000}  # fmt: skip


def trades_of(data: bytes, *, decimal_sign: str = ".", separator: str = ",") -> list[bytes]:
    """The lines made of a CSV file with a column for the GPU."""
    mapping = column_mapping({"gpu": "gpu"}, {}, separator=separator, decimal_sign=decimal_sign)
    groups = trade_lines(io.BytesIO(data), "day.csv", mapping=mapping, table_at=table_at)
    return [line for group in groups for line in group.lines]


def fields_of(row: bytes) -> dict[str, Any]:
    """The fields of a row behind a good one."""
    return dict(json.loads(trades_of(HEADER + GOOD + row)[1]))


@pytest.mark.parametrize(
    ("price", "hours", "gpu", "expected"),
    [
        # 1.00 / 0.4 = 2.50, 25 · 0.4 = 10.
        ("1.00", "25", "A100-80GB-SXM", ("2.50", 10)),
        ("1", "2.5", "A100-80GB-SXM", ("2.50", 1)),
        ("2.5", "7", "H100-80GB-SXM", ("2.50", 7)),
        # 11.37 / 2.274 = 5, 500 · 2.274 = 1137.
        ("11.37", "500", "B200-180GB-SXM", ("5.00", 1137)),
    ],
)
def test_a_price_of_gpu_hours_becomes_one_of_scu_and_hours_lots(
    price: str, hours: str, gpu: str, expected: tuple[str, int]
) -> None:
    trade = fields_of(f"T1,SCUM26,{price},{hours},A,B,2026-06-08T14:00:00Z,{gpu}\n".encode())
    assert (trade["price"], trade["lots"]) == expected
    assert "gpu" not in trade


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        # 3.5 · 0.4 = 1.4 lots; 1.01 / 0.4 = 2.525; 2.50 / 2.274 = 1.09938434…
        ("SCUM26,1.00,3.5,A,B,2026-06-08T14:00:00Z,A100-80GB-SXM",
         'found "1.4 (3.5 h of A100-80GB-SXM)"'),
        ("SCUM26,1.01,25,A,B,2026-06-08T14:00:00Z,A100-80GB-SXM",
         'found "2.525 (1.01 for A100-80GB-SXM)"'),
        ("SCUM26,2.50,500,A,B,2026-06-08T14:00:00Z,B200-180GB-SXM", 'found "1.099384.. (2.50 for'),
        ("SCUM26,2.50,500,A,B,2026-06-08T14:00:00Z,H200-141GB-SXM",
         'found "no GPU of the table (500 h of'),
        ("SITM26,2.50,500,A,B,2026-06-08T14:00:00Z,H100-80GB-SXM",
         'found "SIT is not compute (500 h of'),
        ("SCUM26,2.50,many,A,B,2026-06-08T14:00:00Z,H100-80GB-SXM", 'found "many"'),
        ("SCUM26,2.50,5,A,B,yesterday,H100-80GB-SXM", 'found "yesterday"'),
        ("SCUM26,2.50,5,A,B,2026-06-08T14:00:00Z", "unknown field row_of_7_cells_not_8"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_come_out_whole_is_refused_by_what_it_comes_to(
    row: str, detail: str
) -> None:
    _, line = trades_of(HEADER + GOOD + f"T1,{row}\n".encode())
    command = decode_command(line)
    assert isinstance(command, Malformed)
    assert detail in command.detail


def test_a_contract_of_no_product_is_left_to_the_shards() -> None:
    trade = fields_of(b"T1,XYZM26,2.50,500,A,B,2026-06-08T14:00:00Z,H100-80GB-SXM\n")
    assert (trade["price"], trade["lots"]) == ("2.50", 500)


def test_the_table_is_that_of_the_time_of_the_trade() -> None:
    trade = fields_of(b"T1,SCUM26,1.00,25,A,B,2026-06-01T23:59:59Z,A100-80GB-SXM\n")
    assert trade["price"] == "2.00"
    assert "12.5 (25 h of A100-80GB-SXM)" in trade["lots"]


def test_hours_have_the_decimal_sign_of_prices() -> None:
    data = (HEADER + GOOD.replace(b"2.50", b"2,50")).replace(b",", b";").replace(b"2;50", b"2,50")
    data += b"T1;SCUM26;1,00;2,5;A;B;2026-06-08T14:00:00Z;A100-80GB-SXM\n"
    trade = json.loads(trades_of(data, decimal_sign=",", separator=";")[1])
    assert (trade["price"], trade["lots"]) == ("2.50", 1)


def test_without_a_gpu_nothing_is_converted() -> None:
    data = HEADER + b"T1,SCUM26,1.00,25,A,B,2026-06-08T14:00:00Z,A100-80GB-SXM\n"
    (group, *_) = trade_lines(io.BytesIO(data), "day.csv", mapping=column_mapping({}, {}))
    trade = json.loads(group.lines[0])
    assert (trade["price"], trade["lots"]) == ("1.00", 25)
