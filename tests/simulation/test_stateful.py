"""The laws of RULEBOOK §9 under any order of a small alphabet, checked after every step."""

from __future__ import annotations

import json
from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from services.embedded.memory import MemoryRun
from tests.laws import Fields, check_laws, facts_of, nonzero, positions_of
from tests.simulation.restarts import hashes, restarted

ACCOUNTS = ("A-H", "A-C", "B-H", "B-C", "C-C")
CONTRACTS = ("SITM26", "SITN26")
MONDAY = date(2026, 6, 15)

NUMBERS = st.integers(min_value=0, max_value=5)
FEW = st.integers(1, 50)
NEAR = st.sampled_from(("2.05", "2.07", "2.08", "2.10"))
LOTS = st.one_of(st.integers(1, 50), st.sampled_from((0, 10**7, 2 * 10**7, 2**62)))
PRICES = st.sampled_from(("1.90", "2.00", "2.07", "2.38", "2.50", "1.76", "2.071"))
CENTS = st.sampled_from((0, 1, 5_000, 10**9, 10**11))
SIDES = st.permutations(ACCOUNTS)


class Market(RuleBasedStateMachine):
    """A clearinghouse of three members; each rule is one command at the next minute."""

    trades: Bundle[Fields] = Bundle("trades")

    def __init__(self) -> None:
        super().__init__()
        self.run = MemoryRun()
        self.day = MONDAY
        self.minutes = 0
        self.names = 0

    def at(self) -> str:
        """One minute later, never past the day's close."""
        self.minutes = min(self.minutes + 1, 21 * 60)
        return f"{self.day}T{self.minutes // 60:02d}:{self.minutes % 60:02d}:00Z"

    def send(self, kind: str, **fields: object) -> None:
        """Take a command."""
        self.run.decide(json.dumps({"type": f"{kind}/1", **fields}).encode())

    @initialize(target=trades, has_index=st.booleans())
    def found(self, *, has_index: bool) -> MultipleResults[Fields]:
        """Admit members, open accounts, the first session with an index or without, and trade."""
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
        pairs = (("A-H", "B-H"), ("B-C", "C-C"), ("A-C", "B-C"), ("C-C", "A-H"))
        return multiple(
            *(
                self.trade(contract, price, lots=20, sides=list(pair))
                for pair in pairs
                for contract, price in zip(CONTRACTS, ("2.07", "2.10"), strict=True)
            )
        )

    def trade(self, contract: str, price: str, *, lots: int, sides: list[str]) -> Fields:
        """Submit a trade under a new id."""
        self.names += 1
        fields = {
            "trade_id": f"T{self.names}", "contract": contract, "price": price, "lots": lots,
            "buyer": sides[0], "seller": sides[1], "executed_at": self.at(),
        }  # fmt: skip
        self.send("submit_trade", **fields)
        return fields

    @rule(target=trades, contract=st.sampled_from(CONTRACTS), price=NEAR, lots=FEW, sides=SIDES)
    def trade_near(self, contract: str, price: str, lots: int, sides: list[str]) -> Fields:
        """Submit an ordinary trade."""
        return self.trade(contract, price, lots=lots, sides=sides)

    @rule(target=trades, contract=st.sampled_from(CONTRACTS), price=PRICES, lots=LOTS, sides=SIDES)
    def trade_hostile(self, contract: str, price: str, lots: int, sides: list[str]) -> Fields:
        """Submit a trade at any price and of any size."""
        return self.trade(contract, price, lots=lots, sides=sides)

    @rule(trade=trades, changed=st.sampled_from(({}, {"lots": 7}, {"price": "2.0700"})))
    def trade_again(self, trade: Fields, changed: Fields) -> None:
        """Submit a trade again, as it was or with other content."""
        self.send("submit_trade", **(trade | changed))

    @rule(trade=trades)
    def bust(self, trade: Fields) -> None:
        """Bust a trade that may have been cleared."""
        named = {name: trade[name] for name in ("trade_id", "contract")}
        self.send("bust_trade", **named, reason="x", at=self.at())

    @rule(trade=trades, price=PRICES)
    def adjust(self, trade: Fields, price: str) -> None:
        """Adjust the price of a trade that may have been cleared."""
        named = {name: trade[name] for name in ("trade_id", "contract")}
        self.send("adjust_trade_price", **named, price=price, reason="x", at=self.at())

    @rule(giver=NUMBERS, taker=st.sampled_from(ACCOUNTS), lots=LOTS)
    def transfer(self, giver: int, taker: str, lots: int) -> None:
        """Move lots of somebody who holds some, or more than he holds."""
        positions = sorted(nonzero(positions_of(facts_of(self.run.clearinghouse))).items())
        if not positions:
            return
        (contract, account), most = positions[giver % len(positions)]
        self.names += 1
        self.send("transfer_position", transfer=f"X{self.names}", contract=contract,
                  lots=min(lots, abs(most) + 1), from_account=account, to_account=taker,
                  side="long" if most > 0 else "short", price="2.07", at=self.at())  # fmt: skip

    @rule(account=st.sampled_from(ACCOUNTS), cents=CENTS, is_withdrawal=st.booleans())
    def move_cash(self, account: str, cents: int, *, is_withdrawal: bool) -> None:
        """Pay in, or ask for money."""
        kind = "withdraw_collateral" if is_withdrawal else "deposit_collateral"
        self.names += 1
        self.send(kind, reference=f"R{self.names}", account=account, asset="USD",
                  amount_cents=cents, at=self.at())  # fmt: skip

    @rule(name=st.sampled_from(("", "noon", "close")))
    def run_cycle(self, name: str) -> None:
        """Run an intraday cycle, now and then under a name that may have been used."""
        self.send("run_cycle", cycle=name or f"c{self.minutes}", at=self.at())

    @rule(sooner=st.sampled_from((True, False, False)))
    def close(self, *, sooner: bool) -> None:
        """Close the session and open the next weekday's; sometimes not yet."""
        if not sooner:
            return
        following = self.day + timedelta(days=3 if self.day.weekday() == 4 else 1)
        self.send("close_session", business_date=self.day.isoformat(),
                  next_business_date=following.isoformat(), at=f"{self.day}T21:00:00Z")  # fmt: skip
        self.day, self.minutes = following, 0

    @rule()
    def restart(self) -> None:
        """Load every shard from its snapshot."""
        before = hashes(self.run.clearinghouse)
        self.run.clearinghouse = restarted(self.run.clearinghouse)
        assert hashes(self.run.clearinghouse) == before

    @invariant()
    def the_laws_hold(self) -> None:
        """Every law, after every step."""
        check_laws(self.run.clearinghouse)


Market.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
test_the_laws_hold_after_every_step = Market.TestCase
