"""The laws of RULEBOOK §9 under any order of a small alphabet (Hypothesis), checked after every step."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.embedded.memory import MemoryRun
from tests.laws import check_laws
from tests.simulation.restarts import hashes, restarted

ACCOUNTS = ("A-H", "A-C", "B-H", "B-C", "C-C")
CONTRACTS = ("SITM26", "SITN26")
MONDAY = date(2026, 6, 15)

NUMBERS = st.integers(min_value=0, max_value=5)
LOTS = st.one_of(st.integers(1, 50), st.sampled_from((0, 10**7, 2 * 10**7, 2**62)))
PRICES = st.sampled_from(("1.90", "2.00", "2.07", "2.38", "2.50", "1.76", "2.071"))
CENTS = st.sampled_from((0, 1, 5_000, 10**9, 10**11))
SIDES = st.permutations(ACCOUNTS)


class Market(RuleBasedStateMachine):
    """A clearinghouse of three members; each rule is one command at the next minute."""

    def __init__(self) -> None:
        super().__init__()
        self.run = MemoryRun()
        self.day = MONDAY
        self.minutes = 0

    def at(self) -> str:
        """One minute later, never past the day's close."""
        self.minutes = min(self.minutes + 1, 21 * 60)
        return f"{self.day}T{self.minutes // 60:02d}:{self.minutes % 60:02d}:00Z"

    def send(self, kind: str, **fields: Any) -> None:
        """Take a command."""
        self.run.take(json.dumps({"type": f"{kind}/1", **fields}).encode())

    @initialize(has_index=st.booleans())
    def found(self, *, has_index: bool) -> None:
        """Admit members, open accounts and the first session, with an index or without."""
        for member in "ABC":
            self.send("admit_member", member=member, name=member, at=self.at())
        for account in ACCOUNTS:
            member, kind = account.split("-")
            origin = "house" if kind == "H" else "customer"
            self.send("open_account", account=account, member=member, origin=origin, owner="o",
                      at=self.at())  # fmt: skip
        if has_index:
            of_model = {"product": "SIT", "provider": "p", "model": "m"}
            scores = {"mmlu": "86", "humaneval": "67", "gsm8k": "92"}
            self.send("report_capability", **of_model, **scores, at=self.at())
            self.send("report_provider_volume", product="SIT", provider="p", tokens=1,
                      at=self.at())  # fmt: skip
            self.send("report_provider_price", **of_model, input_usd_per_mtok="2.07",
                      output_usd_per_mtok="2.07", at=self.at())  # fmt: skip
        self.send("open_session", business_date=self.day.isoformat(), at=self.at())

    @rule(number=NUMBERS, contract=st.sampled_from(CONTRACTS), price=PRICES, lots=LOTS, sides=SIDES)
    def trade(self, number: int, contract: str, price: str, lots: int, sides: list[str]) -> None:
        """Submit a trade, under an id that may have been used."""
        self.send("submit_trade", trade_id=f"T{number}{self.minutes // 8}", contract=contract,
                  price=price, lots=lots, buyer=sides[0], seller=sides[1],
                  executed_at=self.at())  # fmt: skip

    @rule(number=NUMBERS, back=st.integers(0, 3), contract=st.sampled_from(CONTRACTS))
    def bust(self, number: int, back: int, contract: str) -> None:
        """Bust a trade that may have been cleared."""
        name = f"T{number}{self.minutes // 8 - back}"
        self.send("bust_trade", trade_id=name, contract=contract, reason="x", at=self.at())

    @rule(number=NUMBERS, back=st.integers(0, 3), price=PRICES)
    def adjust(self, number: int, back: int, price: str) -> None:
        """Adjust the price of a trade that may have been cleared."""
        name = f"T{number}{self.minutes // 8 - back}"
        self.send("adjust_trade_price", trade_id=name, contract="SITM26", price=price, reason="x",
                  at=self.at())  # fmt: skip

    @rule(number=NUMBERS, lots=LOTS, sides=SIDES, side=st.sampled_from(("long", "short")))
    def transfer(self, number: int, lots: int, sides: list[str], side: str) -> None:
        """Move lots that may be held."""
        self.send("transfer_position", transfer=f"X{number}", contract="SITM26", lots=lots,
                  from_account=sides[0], to_account=sides[1], side=side, price="2.07",
                  at=self.at())  # fmt: skip

    @rule(account=st.sampled_from(ACCOUNTS), cents=CENTS, is_withdrawal=st.booleans())
    def move_cash(self, account: str, cents: int, *, is_withdrawal: bool) -> None:
        """Pay in, or ask for money."""
        kind = "withdraw_collateral" if is_withdrawal else "deposit_collateral"
        self.send(kind, reference=f"R{self.minutes}", account=account, asset="USD",
                  amount_cents=cents, at=self.at())  # fmt: skip

    @rule(name=st.sampled_from(("noon", "tea", "close")))
    def run_cycle(self, name: str) -> None:
        """Run an intraday cycle, under a name that may have been used."""
        self.send("run_cycle", cycle=name, at=self.at())

    @rule()
    def close(self) -> None:
        """Close the session and open the next weekday's."""
        following = self.day + timedelta(days=3 if self.day.weekday() == 4 else 1)
        self.send("close_session", business_date=self.day.isoformat(),
                  next_business_date=following.isoformat(), at=f"{self.day}T21:00:00Z")  # fmt: skip
        self.day, self.minutes = following, 0

    @rule()
    def restart(self) -> None:
        """Load every shard from its snapshot."""
        before = hashes(self.run.house)
        self.run.house = restarted(self.run.house)
        assert hashes(self.run.house) == before

    @invariant()
    def the_laws_hold(self) -> None:
        """Every law, after every step."""
        check_laws(self.run.house)


Market.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
test_the_laws_hold_after_every_step = Market.TestCase
