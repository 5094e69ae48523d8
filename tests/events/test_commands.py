"""What a refusal calls each command by (WIRE §3, command_refused), and when it happened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from events.codec import decode_command
from events.command import Command
from events.commands import COMMANDS

AT = "2026-06-08T12:00:00Z"
MODEL = {"product": "SIT", "provider": "p", "model": "m"}
MONEY = {"reference": "r", "account": "A-H", "asset": "USD", "amount_cents": 1}
UNITS = {"reference": "r", "account": "A-H", "asset": "TBILL", "units": 1}
TABLE: tuple[tuple[str, dict[str, Any], str | None], ...] = (
    ("configure/1", {"parameter": "margin_days", "product": None, "value": "5",
                     "effective_date": "2026-06-08"}, "margin_days"),
    ("admit_member/1", {"member": "A", "name": "A"}, "A"),
    ("open_account/1", {"account": "A-H", "member": "A", "origin": "house", "owner": "o"}, "A-H"),
    ("suspend_account/1", {"account": "A-H", "reason": "x"}, "A-H"),
    ("reinstate_account/1", {"account": "A-H", "reason": "x"}, "A-H"),
    ("declare_default/1", {"member": "A", "reason": "x"}, "A"),
    ("designate_maker/1", {"account": "A-H", "product": "SIT"}, "A-H"),
    ("release_maker/1", {"account": "A-H", "product": "SIT"}, "A-H"),
    ("report_net_capital/1", {"member": "A", "amount_cents": 1}, "A"),
    ("open_session/1", {"business_date": "2026-06-08"}, "2026-06-08"),
    ("advance_clock/1", {}, None),
    ("run_cycle/1", {"cycle": "noon"}, "noon"),
    ("close_session/1", {"business_date": "2026-06-08", "next_business_date": "2026-06-09"},
     "2026-06-08"),
    ("report_capability/1", MODEL | {"mmlu": "86", "humaneval": None, "gsm8k": None}, "p/m"),
    ("report_provider_price/1", MODEL | {"input_usd_per_mtok": "2", "output_usd_per_mtok": "2"},
     "p/m"),
    ("report_provider_volume/1", {"product": "SIT", "provider": "p", "tokens": 1}, "p"),
    ("report_provider_volumes/1", {"product": "SIT",
                                   "volumes": [{"provider": "p", "tokens": 1}]}, None),
    ("retire_model/1", MODEL, "p/m"),
    ("publish_index/1", {"product": "SCU", "value": "2"}, None),
    ("bust_trade/1", {"trade_id": "T1", "contract": "SITM26", "reason": "x"}, "T1"),
    ("adjust_trade_price/1", {"trade_id": "T1", "contract": "SITM26", "price": "2",
                              "reason": "x"}, "T1"),
    ("transfer_position/1", {"transfer": "X1", "contract": "SITM26", "lots": 1,
                             "from_account": "A-H", "to_account": "B-H", "side": "long",
                             "price": "2"}, "X1"),
    ("submit_quote/1", {"maker": "A-H", "contract": "SITM26", "bid": None, "bid_lots": None,
                        "ask": None, "ask_lots": None}, "SITM26"),
    ("set_settlement_price/1", {"contract": "SITM26", "price": "2", "reason": "x"}, "SITM26"),
    ("halt_contract/1", {"contract": "SITM26", "until": None, "reason": "x"}, "SITM26"),
    ("deposit_collateral/1", MONEY, "r"),
    ("withdraw_collateral/1", MONEY, "r"),
    ("configure_asset/1", {"asset": "TBILL", "haircut_ppm": 1, "share_ppm": 1, "fresh_hours": 1,
                           "effective_date": "2026-06-08"}, None),
    ("report_asset_price/1", {"asset": "TBILL", "price_usd": "2"}, None),
    ("deposit_asset/1", UNITS, "r"),
    ("withdraw_asset/1", UNITS, "r"),
    ("adjust_cash/1", {"reference": "r", "debit_account": "A-H", "credit_account": "B-H",
                       "amount_cents": 1, "reason": "x"}, "r"),
    ("liquidate_asset/1", {**UNITS, "proceeds_cents": 1}, "r"),
    ("contribute_fund/1", {"reference": "r", "member": "A", "amount_cents": 1}, "r"),
    ("withdraw_fund/1", {"reference": "r", "member": None, "amount_cents": 1}, "r"),
    ("affiliate_member/1", {"member": "A", "group": None}, "A"),
    ("port_account/1", {"reference": "r", "account": "A-C", "to_member": "B"}, "r"),
    ("auction_account/1", {"reference": "r", "account": "A-H", "to_account": "B-H",
                           "payment_cents": -1}, "r"),
    ("settle_default/1", {"member": "A"}, "A"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "reference"), TABLE)
def test_a_command_is_called_by_its_reference_and_happened_at_its_time(
    kind: str, fields: dict[str, Any], reference: str | None
) -> None:
    command = decode_command(json.dumps({"type": kind, **fields, "at": AT}).encode())
    assert isinstance(command, Command)
    assert (command.TYPE, command.subject) == (kind, reference)
    assert command.event_time == 1_780_920_000_000_000_000


def test_the_table_has_every_command_but_those_whose_time_has_another_name() -> None:
    assert {kind for kind, _, _ in TABLE} == set(COMMANDS) - {"submit_trade/1", "submit_spread/1"}


def test_a_spread_has_its_reference_and_the_time_of_execution() -> None:
    leg = {"trade_id": "t", "contract": "SITM26", "price": "2.00", "lots": 1}
    legs = [leg, {**leg, "trade_id": "u", "contract": "SCUM26"}]
    fields = {"reference": "r", "legs": legs, "buyer": "A-H", "seller": "B-H", "executed_at": AT}
    command = decode_command(json.dumps({"type": "submit_spread/1", **fields}).encode())
    assert isinstance(command, Command), command
    assert (command.subject, command.event_time) == ("r", 1_780_920_000_000_000_000)
