"""A naive twin of the embedded clearinghouse: lines in, facts out.

A second reading of the rulebook and of events/WIRE.md, independent of our packages
and slow on purpose: trades are kept for ever and everything is summed anew from them. Left
out: `seq`, `day_closed/1`, postings but those of the fund and of defaults, add-on margin models,
parameters but the fund's, facts beyond WIRE's list. Where the texts are silent or ambiguous this
is how they are read:

1. A line of blanks is not empty: malformed. A carriage return before the line feed is part
   of the line's end. All three scores null is malformed, as is half a side of a quote.
2. NUL written as an escape is strict JSON: malformed in its type's own shard. A malformed
   line has no event time: its fact's `at` is null. A wrong `origin` or `side` is malformed.
3. The first three characters of any string as `contract` tell the shard.
4. `control/0` refuses what names an unknown product and remembers no id of it; the reason
   is still the first in WIRE's order that holds (a transfer's unknown account, say).
5. A reference, transfer or cycle refused for its time is remembered like other refused
   ones (the time is still looked at first); `session_closed` is not remembered, nor is a
   cycle out of order. A cycle's name is its session's; before the first one there is one scope.
6. `at` is content: an admission repeated with another time is `already_exists`.
7. Before the first session a time is within 30 days of the first accepted one, configurations
   aside, of control or while it has none of the market; `open_session` is not before the clock of
   control: else `time_out_of_range`. A next date not after the open one, or a weekend day, is
   `out_of_order_session`; a year not from 2000 to 2097 (two-digit symbols), `invalid_value`.
8. An account of a defaulted member is not opened: `member_defaulted`.
9. A report with a time before the shard's clock counts, and is published, at the clock.
   Stale at the close is judged by the published step function at the close's own time.
   A fixing sees values published up to the close only; a first value published exactly at
   the close is the fixing. A value after a stale spell is published even if unchanged.
10. Capability and volume for an external index: `invalid_value`. A score outside 0-100 is
   `invalid_value`. A published value that rounds to less than a micro-dollar is
   `invalid_value`; one with more decimals is rounded half even; an external one never
   lapses and is published even if equal. A blend beyond int64 micro-dollars is `amount_overflow`.
11. A contract past its last trading day (it had no session) is `contract_expired` for
   trades, transfers, quotes and halts, not for busts and adjustments; intraday cycles mark it.
12. `contract_resumed` is recorded with a cleared trade only, once for all halts that ended,
   and at the close not while another halt that has not ended reaches past it.
13. Position limits: the exact limit is rounded down; `lots` is signed; crossing 100 % from
   below 80 % states both facts; crossing compares before and after the one deal, under the
   limits of the day; busts are not looked at.
14. A bust of an adjusted trade is undone at the adjusted price. Without any price at a
   close nothing is marked, and marks stay; only when all its trades were bust a contract gives
   back what its cycles paid, and its mark is forgotten.
15. A contract settled by tier 1 or 2 for want of a fixing on its last day may move others.
   Final settlement without any price: the last mark, else the latest trade that stood at
   the close of the last session with one, unless all are bust since. A new contract's first
   mark is its reference, if it has one.
16. A position without any mark has margin 0 until it has one. A cycle's price is stated where
   it moved, a position is open or anything is paid.
17. A missed call is looked for with every accepted command, by the clock, and closed; a call
   that is met has a remainder of 0. `settlement_instructed` counts the lack after
   withdrawals; `margin_set` parts run by product and delivery month.
18. A member's default does not stop transfers in either direction; suspension only the taker.
19. What a position is worth at the price of the trade, bust, adjustment or transfer that enlarges
   it must fit an int64: else `amount_overflow`.
20. A price that no limit holds (an adjusted one; any of a contract without a reference, bids too)
   is `amount_overflow` if somebody's position, there or by tier 3 in a neighbour, would be worth
   more than an int64 at it; while one stands in the session, positions grow by it.
21. A cycle of an earlier session, sent again, is silent, whoever has its name now.
22. A designation with another time while one stands is `already_exists`. What an account quoted
   before its designation came counts by the quote that stands then alone, from its own time. A
   lapse counts where nothing stood too. A defaulter's maker is scored until it is released. The
   last report of net capital counts, whatever its time.
23. Assets: an older price is older than the last one taken; one that jumps is remembered as an
   index's held price is, though it is refused. Whether a price is fresh when a call is looked at
   goes by the shard's clock. A call for cash only that comes to ask for more is one for equity.
   Cash and assets together count for no more than an int64.
24. A member put into the group where it is: silent. So is the opening of an account sent again
   after it was ported.
25. An order to settle sent again with the same content is silent. `control/0` sees no positions: it
   refuses a second order until the next cycle, `member/0` refuses later ones.
26. A settled default ordered again stays settled meanwhile; what a member was assessed for it
   counts against the cap. A defaulter's open fund call goes on, with its last requirement.
27. Withdrawals of others than the defaulter are judged by whether a default is open after the
   settlements of that close. Units that were sold are no more there to be paid back.
28. Stress takes equity after the withdrawals. A contract without a price does not move; a two-day
   move of 0 ppm is neither a rise nor a fall.
29. An auctioned position stays where the taker's would be worth, or cost, more than an int64 at the
   highest price that may mark it (`takeover_refused`); the payment is not made where a balance
   would leave an int64 (`auction_payment_refused`). A payment of 0 looks at no call.
30. A spread refused for its time is remembered under its reference, one before any session is not.
   A leg's product is in use from the configuration on, as for a trade.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tests.twin.books import House, Index, Market
from tests.twin.control import take_control
from tests.twin.index import refuse_report, take_report
from tests.twin.spreads import take_spread
from tests.twin.trading import (
    correct_trade,
    halt_contract,
    set_settlement_price,
    submit_quote,
    submit_trade,
    transfer_position,
)
from tests.twin.treasury import take_member
from tests.twin.words import CONTROL, INDEX, MEMBER, Command, Fact, Reading, read_line

BOM = b"\xef\xbb\xbf"
REFERENCE_OF = {
    "configure/1": "parameter",
    "admit_member/1": "member",
    "declare_default/1": "member",
    "open_account/1": "account",
    "designate_maker/1": "account",
    "release_maker/1": "account",
    "report_net_capital/1": "member",
    "suspend_account/1": "account",
    "reinstate_account/1": "account",
    "open_session/1": "business_date",
    "close_session/1": "business_date",
    "run_cycle/1": "cycle",
    "report_provider_volume/1": "provider",
    "submit_trade/1": "trade_id",
    "bust_trade/1": "trade_id",
    "adjust_trade_price/1": "trade_id",
    "transfer_position/1": "transfer",
    "submit_quote/1": "contract",
    "halt_contract/1": "contract",
    "set_settlement_price/1": "contract",
    "deposit_collateral/1": "reference",
    "withdraw_collateral/1": "reference",
    "deposit_asset/1": "reference",
    "withdraw_asset/1": "reference",
    "adjust_cash/1": "reference",
    "affiliate_member/1": "member",
    "port_account/1": "reference",
    "auction_account/1": "reference",
    "settle_default/1": "member",
    "liquidate_asset/1": "reference",
    "contribute_fund/1": "reference",
    "withdraw_fund/1": "reference",
    "submit_spread/1": "reference",
}
TRADING_OF = {
    "submit_trade/1": submit_trade,
    "bust_trade/1": correct_trade,
    "adjust_trade_price/1": correct_trade,
    "transfer_position/1": transfer_position,
    "submit_quote/1": submit_quote,
    "halt_contract/1": halt_contract,
    "set_settlement_price/1": set_settlement_price,
}
MODEL_REPORTS = ("report_capability/1", "report_provider_price/1", "retire_model/1")
NEEDS_SESSION = (
    "submit_trade/1", "transfer_position/1", "submit_quote/1", "halt_contract/1",
    "set_settlement_price/1",
)  # fmt: skip


def clear(lines: Iterable[bytes]) -> list[Fact]:
    """Give all facts of a stream of command lines, in order."""
    house = begin()
    for number, line in enumerate(lines):
        feed(house, line.removeprefix(BOM) if number == 0 else line)
    return house.facts


def begin() -> House:
    """Give the books before the first line: one product, SIT, in use."""
    house = House()
    house.markets["SIT"] = Market("SIT", Index(is_external=False), date.min)
    return house


def feed(house: House, line: bytes) -> None:
    """Take one line with or without its end; an empty one is skipped."""
    found = line.removesuffix(b"\n").removesuffix(b"\r")
    if found:
        take(house, read_line(found))


def take(house: House, reading: Reading) -> None:
    """Take one line: route it, then let its shard decide."""
    shard = shard_of(house, reading)
    command = reading.values
    if command is None:
        refuse(house, shard, reading, ("malformed", reading.problem))
        return
    reason = decide(house, shard, command)
    if reason is not None:
        refuse(house, shard, reading, (reason, reason.replace("_", " ")))


def shard_of(house: House, reading: Reading) -> str:
    """Tell the shard of a line; what cannot be told belongs to `control/0` (WIRE 2)."""
    if reading.type is None or reading.type in CONTROL:
        return "control/0"
    if reading.type in MEMBER:
        return "member/0"
    name = "product" if reading.type in INDEX else "contract"
    told = reading.raw.get(name)
    product = told if name == "product" else told[:3] if isinstance(told, str) else None
    if isinstance(product, str) and product in house.markets:
        return f"market/{product}"
    return "control/0"


def decide(house: House, shard: str, command: Command) -> str | None:
    """Let a well-formed command happen, or give the reason of its refusal."""
    kind = command["type"]
    if kind == "submit_spread/1":
        return take_spread(house, command)
    if kind in CONTROL:
        return take_control(house, command)
    if kind in MEMBER:
        return take_member(house, command)
    if shard == "control/0":
        return refuse_unrouted(house, command)
    market = house.markets[shard.removeprefix("market/")]
    if kind in TRADING_OF:
        return TRADING_OF[kind](house, market, command)
    if not house.is_in_range(command["at"], first=market.first):
        return "time_out_of_range"
    reason = refuse_report(market, command)
    if reason is None:
        market.first = command["at"] if market.first is None else market.first
        take_report(house, market, command)
    return reason


def refuse_unrouted(house: House, command: Command) -> str:
    """Refuse a market command of an unknown product, by the first reason that holds."""
    kind = command["type"]
    if kind in NEEDS_SESSION and house.business_date is None:
        return "session_closed"
    if not house.is_in_range(command["executed_at" if kind == "submit_trade/1" else "at"]):
        return "time_out_of_range"
    if kind in INDEX:
        return "unknown_product"
    accounts = []
    if kind == "transfer_position/1":
        accounts = [command["from_account"], command["to_account"]]
    elif kind == "submit_quote/1":
        accounts = [command["maker"]]
    if any(account not in house.accounts for account in accounts):
        return "unknown_account"
    if accounts and house.accounts[accounts[-1]].is_suspended:
        return "account_suspended"
    if kind == "submit_quote/1" and house.is_defaulted(accounts[0]):
        return "member_defaulted"
    return "unknown_contract"


def refuse(house: House, shard: str, reading: Reading, why: tuple[str, str]) -> None:
    """Record a refusal (WIRE 3)."""
    command = reading.values or {}
    reference = None
    if command and reading.type in MODEL_REPORTS:
        reference = f"{command['provider']}/{command['model']}"
    elif command and reading.type in REFERENCE_OF:
        reference = str(command[REFERENCE_OF[reading.type]])
    house.state(
        "command_refused/1", shard, command.get("at", command.get("executed_at")),
        command_type=reading.type, reference=reference, reason=why[0], detail=why[1],
    )  # fmt: skip
