"""What a refusal says to people: in plain words, in dollars, with the bounds that are still in."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from services.embedded.memory import clear_in_memory

AT: Final = "2026-06-08T12:00:00Z"


def command(kind: str, **fields: object) -> dict[str, Any]:
    """A command at noon of the first session."""
    time = {} if kind == "submit_trade" else {"at": AT}
    return {"type": f"{kind}/1", **time, **fields}


def trade(**fields: object) -> dict[str, Any]:
    """A trade that clears, but for some fields."""
    good = {
        "trade_id": "T9", "contract": "SITM26", "price": "2.00", "lots": 5, "buyer": "A-H",
        "seller": "B-H", "executed_at": AT,
    }  # fmt: skip
    return command("submit_trade", **good | fields)


def setting(parameter: str, value: str, product: str | None = None) -> dict[str, Any]:
    """A configuration from the second session on."""
    return command(
        "configure", parameter=parameter, product=product, value=value, effective_date="2026-06-09"
    )


def deposit(account: str, amount_cents: int, asset: str = "USD") -> dict[str, Any]:
    """A deposit under a reference of its own."""
    return command(
        "deposit_collateral",
        reference="D9", account=account, asset=asset, amount_cents=amount_cents,
    )  # fmt: skip


BOND: Final = {"asset": "BOND", "share_ppm": 1_000_000, "fresh_hours": 24}
UNITS: Final = {"reference": "U9", "account": "A-H"}
SCORES: Final = {"product": "SIT", "provider": "p", "model": "m", "humaneval": None, "gsm8k": None}
PRICES: Final = {"product": "SIT", "provider": "p", "model": "m"}
# A market with a reference of 2.00, a first trade, a suspended account and a member in default.
OPENING: Final = [
    command("open_session", business_date="2026-06-08"),
    *[command("admit_member", member=name, name=name) for name in "ABC"],
    *[
        command("open_account", account=f"{name}-H", member=name, origin="house", owner=name)
        for name in "ABC"
    ],
    command("open_account", account="A-S", member="A", origin="customer", owner="s"),
    command("suspend_account", account="A-S", reason="paper"),
    command("declare_default", member="C", reason="unpaid"),
    command("report_capability", **SCORES, mmlu="90"),
    command(
        "report_provider_price", **PRICES, input_usd_per_mtok="2", output_usd_per_mtok="2"
    ),
    command("report_provider_volume", product="SIT", provider="p", tokens=10),
    trade(trade_id="T1", price="2.00"),
    deposit("A-H", 10_000) | {"reference": "D1"},
    command("configure_asset", **BOND, haircut_ppm=0, effective_date="2026-06-09"),
    {
        "type": "close_session/1", "business_date": "2026-06-08",
        "next_business_date": "2026-06-09", "at": AT,
    },
    command("report_asset_price", asset="BOND", price_usd="1.00"),
]  # fmt: skip
LISTED: Final = "SITM26, SITN26, SITQ26, SITU26, SITV26, SITX26, SITZ26, SITH27, SITM27, SITU27"
QUOTE: Final = {"maker": "A-H", "contract": "SITM26", "bid_lots": 5, "ask_lots": 5}
TABLE: Final = (
    (trade(contract="SITU6"), "no contract SITU6; symbols look like SITU26"),
    (trade(contract="sitm26"), "no contract sitm26; symbols look like SITZ26"),
    (trade(contract="SITM25"), f"SITM25 has expired; listed are {LISTED}"),
    (trade(contract="SITM29"), f"SITM29 is not listed; listed are {LISTED}"),
    (trade(contract="XYZM26"), "no contract XYZM26; symbols look like SITZ26"),
    (trade(price="2.60"), "price 2.60 is outside 1.70 to 2.30, both included"),
    (trade(price="1.69"), "price 1.69 is outside 1.70 to 2.30, both included"),
    (trade(price="2.071"), "price 2.071 is not a whole number of ticks of 0.01"),
    (trade(price="-2"), "price -2 is not above 0"),
    (trade(lots=0), "lots 0 is below 1"),
    (trade(buyer="X-H"), "no account X-H"),
    (trade(buyer="A-S"), "account A-S is suspended"),
    (trade(buyer="C-H"),
     "member C is in default and may only reduce: C-H holds 0 lots and would buy 5"),
    (trade(buyer="B-H"), "B-H is both buyer and seller"),
    (trade(trade_id="T1", lots=6), "T1 is taken by another trade, in row 14"),
    (trade(lots=10**18),
     "1000000000000000000 lots at 2.00 are worth more than 92233720368547758.07"),
    (trade(executed_at="2027-06-08T12:00:00Z"),
     "2027-06-08T12:00:00Z is outside 2026-06-01T12:00:00Z to 2026-06-11T00:00:00Z, both included"),
    (command("bust_trade", trade_id="T8", contract="SITM26", reason="x"), "no cleared trade T8"),
    (command("bust_trade", trade_id="T1", contract="SITN26", reason="x"),
     "T1 is a trade in SITM26, not SITN26"),
    (command("submit_quote", **QUOTE, bid="2.10", ask="2.05"), "bid 2.10 is above ask 2.05"),
    (command("halt_contract", contract="SITM26", until=AT, reason="x"),
     f"until {AT} is not after at {AT}"),
    (command("set_settlement_price", contract="SITM26", price="200.01", reason="x"),
     "price 200.01 is more than 100 times 2.00 away, either way"),
    (command("transfer_position", transfer="X1", contract="SITM26", lots=6, from_account="A-H",
             to_account="B-H", side="long", price="2.00"),
     "A-H holds 5 lots of SITM26, not 6 long"),
    (deposit("X-H", 5), "no account X-H"),
    (deposit("A-H", 0), "amount_cents 0 is below 1"),
    (deposit("A-H", 5, "EUR"), "no asset EUR; there is USD"),
    (deposit("A-H", 2**63 - 1), "the cash of A-H would be above 92233720368547758.07"),
    (deposit("A-H", 5) | {"reference": "D1"}, "D1 is taken by another command, in row 11"),
    (deposit("A-H", 20_000) | {"type": "withdraw_collateral/1"},
     "200.00 is more than 100.00, what A-H has free"),
    (command("deposit_asset", **UNITS, asset="NOTE", units=5),
     "no asset NOTE is in force; there are BOND"),
    (command("deposit_asset", **UNITS, asset="BOND", units=0), "units 0 is below 1"),
    (command("withdraw_asset", **UNITS, asset="BOND", units=5),
     "5 units are more than 0, what A-H has free"),
    (command("report_asset_price", asset="BOND", price_usd="0.0000001"),
     "expected a price above 0 with at most 6 decimals, found 0.0000001"),
    (command("report_asset_price", asset="BOND", price_usd="3.000001"),
     ("3.000001 is more than three times away from 1.000000; one within 5 % of it an hour later is "
      "taken")),
    (command("report_asset_price", asset="BOND", price_usd="1") | {"at": "2026-06-08T11:00:00Z"},
     f"the price of BOND is of {AT}, which is later"),
    (command("configure_asset", **BOND, haircut_ppm=-1, effective_date="2026-06-09"),
     "haircut_ppm: expected 0 to 1000000, both included, found -1"),
    (command("configure_asset", **BOND | {"asset": "USD"}, haircut_ppm=0,
             effective_date="2026-06-09"), "USD is cash: it counts whole and is not configured"),
    (command("adjust_cash", reference="J9", debit_account="A-H", credit_account="A-H",
             amount_cents=1, reason="x"), "A-H would pay itself"),
    (command("admit_member", member="A", name="other"),
     "member A exists already, admitted otherwise"),
    (command("open_account", account="A-2", member="A", origin="house", owner="A"),
     "A has a house account already, A-H"),
    (command("open_account", account="Z-H", member="Z", origin="house", owner="Z"), "no member Z"),
    (command("open_session", business_date="2026-06-08"),
     "a session is open already, that of 2026-06-09"),
    (command("run_cycle", cycle="close"),
     "close is the name of the day's close; a cycle needs another"),
    (command("close_session", business_date="2026-06-08", next_business_date="2026-06-10"),
     "the session of 2026-06-08 is not open, but that of 2026-06-09"),
    (command("close_session", business_date="2026-06-09", next_business_date="2026-06-13"),
     "2026-06-13 is not Monday to Friday"),
    (command("close_session", business_date="2026-06-09", next_business_date="2026-07-09"),
     "2026-07-09 is not 1 to 14 days after 2026-06-09, both included"),
    (setting("margin_days", "0"), "margin_days: expected days from 1 to 252, found '0'"),
    (
        setting("margin_model", "best"),
        "margin_model: expected paper or paper_apc or scan or expected_shortfall, found 'best'",
    ),
    (setting("venue", "1"), "no parameter venue; `clearing schema` lists them"),
    (setting("maintenance_ppm", "1", "SIT"),
     "maintenance_ppm is set for all: product is SIT, not null"),
    (setting("product_in_use", "true"), "product_in_use is set for a product: product is null"),
    (setting("margin_days", "1", "XYZ"), "no product XYZ; there are SIT, SCU"),
    (command("report_capability", **SCORES, mmlu="101"),
     "scores 101, none, none are not all 0 to 100 percent, both included"),
    (command("report_provider_price", **PRICES | {"model": "n"}, input_usd_per_mtok="2",
             output_usd_per_mtok="2"), "no scores of p/n have been reported"),
    (command("report_provider_volume", product="SCU", provider="p", tokens=10),
     "no product SCU is in use"),
    (command("publish_index", product="SIT", value="2"),
     "the index of SIT is made of its providers' prices"),
    (command("retire_model", **PRICES | {"model": "n"}), "no model p/n has been reported"),
)  # fmt: skip


@pytest.mark.parametrize(("last", "detail"), TABLE, ids=[detail[:40] for _, detail in TABLE])
def test_a_refusal_names_what_is_wrong(last: dict[str, Any], detail: str) -> None:
    *before, refused = clear_in_memory(json.dumps(line).encode() for line in [*OPENING, last])
    assert [fact for fact in before if fact["type"] == "command_refused/1"] == []
    assert (refused["type"], refused["detail"]) == ("command_refused/1", detail)


def test_bounds_that_no_calendar_has_are_shown_as_far_as_years_go() -> None:
    lines = [
        {"type": "advance_clock/1", "at": at}
        for at in ("9999-12-31T00:00:00Z", "2026-06-08T00:00:00Z")
    ]
    *_, refused = clear_in_memory(json.dumps(line).encode() for line in lines)
    assert refused["detail"].endswith("to 9999-12-31T23:59:59.999999999Z, both included")
