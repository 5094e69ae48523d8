"""Events of the fund and of defaults: losses, declarations, every step in and out of order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TypeVar

from tests.twin.fund import PARAMETERS
from tests.twin.instants import print_instant
from tests.twin.positions import positions
from tests.twin.script import Script
from tests.twin.words import INT64_MAX

Item = TypeVar("Item")
GROUPS = ("G", "G", "A", "B", None)
QUIET = {"fund": 9, "back": 4, "group": 2, "declare": 5, "loss": 3, "step": 1}
OPEN = {
    "fund": 8, "back": 6, "declare": 1, "loss": 8, "port": 6, "auction": 18, "sell": 10, "step": 4,
    "settle": 14, "cycle": 8, "money": 4,
}  # fmt: skip
OVER = {"fund": 6, "back": 6, "declare": 1, "bust": 6, "settle": 4, "cycle": 3, "money": 4}
WAVES = 24


def found_fund(script: Script) -> None:
    """Let members and the clearinghouse contribute, some of them not; put some into a group."""
    for _ in range(script.pick((0, 0, 2, 3))):
        tune(script)
    scale = script.pick((10**6, 10**8, 10**8, 10**11))
    for member in (*script.house.members, None):
        cents = script.pick((0, 1, scale // 3, scale, 3 * scale))
        if cents:
            contribute(script, member, cents)
    for _ in range(script.pick((0, 0, 1, 2))):
        affiliate(script)


def default_event(script: Script) -> None:
    """Write one event of the fund or of a default, by how far a default has come."""
    members = script.house.members.values()
    if any(member.is_waiting for member in members):
        kind = script.weighted(OPEN)
    else:
        kind = script.weighted(OVER if any(one.is_defaulted for one in members) else QUIET)
    EVENTS[kind](script)


def among(script: Script, chosen: Iterable[Item], otherwise: Iterable[Item]) -> Item:
    """Pick one of the chosen, now and then (and without any) one of the others."""
    first, second = sorted(chosen, key=str), sorted(otherwise, key=str)
    return script.pick(first if first and script.chance(0.9) else second or first)


def open_defaults(script: Script) -> list[str]:
    """Give the members whose default is declared and not settled."""
    return [name for name, member in script.house.members.items() if member.is_waiting]


def accounts_in_default(script: Script) -> list[str]:
    """Give the accounts of these members."""
    return [account for member in open_defaults(script) for account in accounts(script, member)]


def accounts(script: Script, member: str) -> list[str]:
    """Give a member's accounts, but for the one that is full."""
    return [name for name in script.house.accounts_of(member) if name != "VAULT"]


def free_accounts(script: Script) -> list[str]:
    """Give the accounts that may take over another's positions."""
    return [
        name
        for name in script.accounts
        if not script.house.is_defaulted(name) and not script.house.accounts[name].is_suspended
    ]


def affiliate(script: Script) -> None:
    """Put a member into a group, its own, or that of another member's name."""
    script.send("affiliate_member/1", member=script.pick((*script.house.members, "Z")),
                group=script.pick(GROUPS), at=script.when())  # fmt: skip


def tune(script: Script) -> None:
    """Set a parameter of the fund: to little, to much, to what it is not; for now or for later."""
    session = script.house.business_date or date(2020, 1, 1)
    value = script.pick(("0", "1", "1", "12345", "100000", "333333", "1000000", "10000000"))
    if script.chance(0.1):
        value = script.pick(("-1", "", "x", "007", "1.5", "9223372036854775808"))
    script.send(
        "configure/1", parameter=script.pick(sorted(PARAMETERS)),
        product=None if script.chance(0.95) else "SIT", value=value,
        effective_date=(session + timedelta(days=script.pick((0, 0, 1)))).isoformat(),
        at=script.when(),
    )  # fmt: skip


def contribute(script: Script, member: str | None, cents: int, at: str = "") -> None:
    """Contribute to the fund."""
    script.send("contribute_fund/1", reference=script.name("f"), member=member,
                amount_cents=min(cents, INT64_MAX), at=at or script.when())  # fmt: skip


def fund(script: Script) -> None:
    """Pay a fund call: all, nearly, a part; in time, just in time, too late. Or contribute."""
    calls = script.house.treasury.fund_calls
    if not calls or script.chance(0.3):
        cents = script.pick((1, 10**6, 5 * 10**7, 10**9, 0, -1, INT64_MAX))
        if cents == INT64_MAX and script.chance(0.8):
            cents = 10**8
        contribute(script, script.pick((*script.house.members, None, "Z")), cents)
        return
    member = script.pick(sorted(calls))
    lacks, deadline = calls[member].remaining, calls[member].deadline
    at = print_instant(deadline + script.pick((0, 1, -1))) if script.chance(0.2) else ""
    contribute(script, member, script.pick((lacks, lacks, lacks - 1, lacks // 2, 1)), at)


def back(script: Script) -> None:
    """Ask for money back from the fund: all, to the requirement, a cent more, a little."""
    treasury = script.house.treasury
    with_money = [name for name, cents in treasury.fund.items() if cents > 0]
    member = among(script, with_money, (*script.house.members, None, "Z"))
    there = treasury.fund.get(member, 0)
    spare = there - treasury.required.get(str(member), 0)
    cents = script.pick((there, there + 1, spare, spare, spare + 1, there // 3, 1, 0))
    script.send("withdraw_fund/1", reference=script.name("g"), member=member,
                amount_cents=min(cents, INT64_MAX), at=script.when())  # fmt: skip


def lose(script: Script, account: str) -> None:
    """Take more cash from an account than it has, as a wrong price put right does."""
    payees = [name for name in script.accounts if name != account]
    payee = among(script, [name for name in payees if name in free_accounts(script)], payees)
    cents = script.house.treasury.cash.get(account, 0)
    cents += script.pick((-1, 1, 500, 10**5, 10**7, 10**8, 4 * 10**8, 2 * 10**9))
    script.send("adjust_cash/1", reference=script.name("k"), debit_account=account,
                credit_account=payee, amount_cents=min(cents, INT64_MAX), reason="a loss",
                at=script.when())  # fmt: skip


def loss(script: Script) -> None:
    """Bring an account below zero: of a member in default, of any."""
    lose(script, among(script, accounts_in_default(script), script.accounts))


def declare(script: Script) -> None:
    """Declare a default: of a member that lost, of all but one at once, of all."""
    standing = script.house.standing()
    waves = (2, 2, len(standing) - 1, len(standing))
    count = min(script.pick((1,) * WAVES + waves), len(standing))
    weak = [
        one for one in standing if any(is_below(script, name) for name in accounts(script, one))
    ]
    if not weak and standing and script.chance(0.7):
        weak = [script.pick(standing)]
        lose(script, script.pick(accounts(script, weak[0]) or script.accounts))
    first = among(script, weak, (*script.house.members, "Z"))
    names = [first] + [name for name in standing if name != first]
    for member in names[: max(1, count)]:
        if script.chance(0.5):
            ask_back(script, member)
        script.send("declare_default/1", member=member, reason="it does not pay", at=script.when())
        if script.chance(0.3):
            script.send("settle_default/1", member=member, at=script.when())
            cycle(script)


def ask_back(script: Script, member: str) -> None:
    """Let a member ask for some money back, of an account and of the fund."""
    treasury = script.house.treasury
    rich = [name for name in accounts(script, member) if treasury.cash.get(name, 0) > 0]
    if rich:
        script.send(
            "withdraw_collateral/1", reference=script.name("w"), account=script.pick(rich),
            asset="USD", amount_cents=1, at=script.when(),
        )  # fmt: skip
    if treasury.fund.get(member, 0) > 0:
        script.send("withdraw_fund/1", reference=script.name("g"), member=member,
                    amount_cents=treasury.fund[member], at=script.when())  # fmt: skip


def is_losing(script: Script, member: str) -> bool:
    """Tell whether cash is below zero in any account of a member."""
    return any(is_below(script, account) for account in accounts(script, member))


def is_below(script: Script, account: str) -> bool:
    """Tell whether an account's cash is below zero."""
    return script.house.treasury.cash.get(account, 0) < 0


def port(script: Script) -> None:
    """Port an account: a defaulter's customer's to a standing member, mostly."""
    house = script.house
    customers = [
        name for name in accounts_in_default(script) if house.accounts[name].origin == "customer"
    ]
    script.send(
        "port_account/1", reference=script.name("p"),
        account=among(script, customers, (*script.accounts, "GHOST")),
        to_member=among(script, house.standing(), (*house.members, "Z")), at=script.when(),
    )  # fmt: skip


def auction(script: Script) -> None:
    """Auction an account with positions, paid for either way, for nothing, or for too much."""
    held = {
        account
        for market in script.house.markets.values()
        for contract in market.live()
        for account in positions(contract)
    }
    mine = accounts_in_default(script)
    account = among(script, [name for name in mine if name in held], mine or script.accounts)
    taker = among(script, free_accounts(script), (*script.accounts, account, "GHOST"))
    cents = script.rng.randint(1, 10 ** script.rng.randint(2, 8))
    if script.chance(0.1):
        # Of a balance that leaves int64 only: near its end the next cycle's sums would leave it.
        cents = INT64_MAX if script.house.treasury.cash.get(taker, 0) > 0 else 0
    script.send(
        "auction_account/1", reference=script.name("o"), account=account, to_account=taker,
        payment_cents=cents if cents == INT64_MAX else script.pick((cents, -cents)),
        at=script.when(),
    )  # fmt: skip


def sell(script: Script) -> None:
    """Liquidate units: all, some, more than there are; for much, for nothing, for less."""
    units = {key: count for key, count in script.house.treasury.units.items() if count}
    mine = accounts_in_default(script)
    if not units.keys() & {(account, asset) for account in mine for asset in script.house.terms}:
        bring_units(script, mine)
        return
    below = [key for key in units if key[0] in mine and is_below(script, key[0])]
    account, asset = among(script, below, (*units, ("GHOST", "BOND")))
    there = units.get((account, asset), 0)
    too_much = INT64_MAX if script.house.treasury.cash.get(account, 0) > 0 else 0
    script.send(
        "liquidate_asset/1", reference=script.name("l"), account=account, asset=asset,
        units=min(script.pick((there, there, there, there + 1, there // 2, 0)), INT64_MAX),
        proceeds_cents=script.pick((script.rng.randint(0, 10**8),) * 4 + (0, -1, too_much)),
        at=script.when(),
    )  # fmt: skip


def bring_units(script: Script, mine: list[str]) -> None:
    """Let a defaulter have units to be sold; without any asset in force auction instead."""
    if mine and script.house.terms:
        script.send(
            "deposit_asset/1", reference=script.name("u"), account=script.pick(mine),
            asset=script.pick(sorted(script.house.terms)), units=script.rng.randint(1, 10**6),
            at=script.when(),
        )  # fmt: skip
    else:
        auction(script)


def settle(script: Script) -> None:
    """Order a settlement: mostly of a default that is open, early or late, and of a loss."""
    member = among(script, open_defaults(script), (*script.house.members, "Z"))
    mine = [name for name in script.accounts if name in script.house.accounts_of(member)]
    if mine and not is_losing(script, member) and script.chance(0.6):
        lose(script, script.pick(mine))
    script.send("settle_default/1", member=member, at=script.when())  # fmt: skip


def step(script: Script) -> None:
    """Write a step where it does not belong, one of groups, or a parameter."""
    script.pick((port, auction, sell, settle, affiliate, affiliate, tune))(script)


def cycle(script: Script) -> None:
    """Run a cycle."""
    script.send("run_cycle/1", cycle=script.name("e"), at=script.when())


def money(script: Script) -> None:
    """Ask for money back for an account of a defaulter, in default or settled."""
    defaulters = [name for name, member in script.house.members.items() if member.is_defaulted]
    mine = [account for name in defaulters for account in accounts(script, name)]
    account = among(script, mine, script.accounts)
    cash = script.house.treasury.cash.get(account, 0)
    script.send("withdraw_collateral/1", reference=script.name("w"), account=account, asset="USD",
                amount_cents=script.pick((max(cash, 0), cash + 1, cash // 2, 1)) if cash < INT64_MAX
                else 1, at=script.when())  # fmt: skip


def bust(script: Script) -> None:
    """Bust a trade of a member whose default is settled."""
    settled = [name for name, member in script.house.members.items() if member.is_settled]
    mine = {account for name in settled for account in accounts(script, name)}
    trades = [
        (contract.symbol, trade.trade_id)
        for market in script.house.markets.values()
        for contract in market.live()
        for trade in contract.trades
        if {trade.buyer, trade.seller} & mine
    ]
    if trades:
        symbol, name = script.pick(trades)
        script.send("bust_trade/1", trade_id=name, contract=symbol, reason="late", at=script.when())


EVENTS = {
    "fund": fund,
    "back": back,
    "group": affiliate,
    "declare": declare,
    "loss": loss,
    "port": port,
    "auction": auction,
    "sell": sell,
    "settle": settle,
    "step": step,
    "cycle": cycle,
    "money": money,
    "bust": bust,
}
