"""Cash, withdrawals, margin calls and instructions of `member/0` (RULEBOOK 5)."""

from __future__ import annotations

from datetime import date

from tests.twin.assets import collateral, equity, look_at_prices, refuse_price, take_price
from tests.twin.books import Call, House
from tests.twin.fund import (
    close_fund,
    miss_fund_calls,
    refuse_fund,
    refuse_of_defaulters,
    take_fund,
)
from tests.twin.instants import HOUR, midnight, print_instant
from tests.twin.margin import maintenance_cents, margin_cents
from tests.twin.positions import positions
from tests.twin.waterfall import settle_defaults
from tests.twin.words import Command, fits

SHARD = "member/0"
CLOSE_DEADLINE = 13 * HOUR
ORIGINS = ("customer", "house")
OF_FUND = ("contribute_fund/1", "withdraw_fund/1")


def move_clock(house: House, instant: int) -> None:
    """Move the shard's clock; a call past its deadline is missed, once (RULEBOOK 5).

    With every accepted command, also one that leaves a clock ahead of it where it is.
    """
    treasury = house.treasury
    clock = instant if treasury.clock is None else max(instant, treasury.clock)
    treasury.clock = clock
    for account in sorted(treasury.calls):
        call = treasury.calls[account]
        if call.deadline < clock:
            del treasury.calls[account]
            state_call(house, "margin_call_missed/1", account, call, clock)
    miss_fund_calls(house, clock)


def state_call(house: House, name: str, account: str, call: Call, at: int) -> None:
    """Record what became of a call."""
    house.state(name, SHARD, at, call=call.name, account=account, remaining_cents=call.remaining)


def take_member(house: House, command: Command) -> str | None:
    """Take a command of members, or give the reason why not; repeats are silent."""
    memory, name = house.treasury.memory, command.get("reference")
    if not house.is_in_range(command["at"]):
        if name is not None:
            memory.setdefault(name, (command, "time_out_of_range"))
        return "time_out_of_range"
    if name in memory:
        known, answer = memory[name]
        return answer if known == command else "duplicate_reference"
    reason = refuse(house, command)
    if name is not None:
        memory[name] = (command, reason)
    if reason is None:
        move_clock(house, command["at"])
        take(house, command)
    return reason


def refuse(house: House, command: Command) -> str | None:
    """Give the first reason against a command, in WIRE's order of precedence."""
    kind = command["type"]
    if kind == "report_asset_price/1":
        return refuse_price(house, command)
    if kind == "adjust_cash/1":
        return refuse_adjustment(house, command)
    if kind in OF_FUND:
        return refuse_fund(house, command)
    treasury, account = house.treasury, command["account"]
    is_withdrawal = kind.startswith("withdraw")
    if account not in house.accounts:
        return "unknown_account"
    if is_withdrawal and house.accounts[account].is_suspended:
        return "account_suspended"
    if is_withdrawal and house.members[house.accounts[account].member].is_waiting:
        return "member_defaulted"
    if kind == "liquidate_asset/1" and not house.is_defaulted(account):
        return "not_defaulted"
    asset, is_cash = command["asset"], "amount_cents" in command
    if asset not in (["USD"] if is_cash else house.terms):
        return "unknown_asset"
    amount = amount_of(command)
    if amount < 1:
        return "amount_not_positive"
    there = treasury.cash.get(account, 0) if is_cash else treasury.units.get((account, asset), 0)
    if is_withdrawal:
        waiting = [found for found in treasury.pending if found["account"] == account]
        blocked = sum(amount_of(found) for found in waiting if found["asset"] == asset)
        too_much = "withdrawal_exceeds_cash" if is_cash else "withdrawal_exceeds_units"
        return too_much if amount > there - blocked else None
    if kind == "liquidate_asset/1":
        return refuse_proceeds(house, command, there)
    return None if fits(there + amount) else "amount_overflow"


def amount_of(command: Command) -> int:
    """Give the cents or the units of a movement."""
    return int(command["amount_cents"] if "amount_cents" in command else command["units"])


def refuse_proceeds(house: House, command: Command, there: int) -> str | None:
    """Tell why units cannot be sold for their proceeds; there: all units, blocked ones too."""
    if command["units"] > there:
        return "withdrawal_exceeds_units"
    if command["proceeds_cents"] < 0:
        return "invalid_value"
    cash = house.treasury.cash.get(command["account"], 0)
    return None if fits(cash + command["proceeds_cents"]) else "amount_overflow"


def refuse_adjustment(house: House, command: Command) -> str | None:
    """Tell why cash cannot go from one account to another."""
    payer, payee = command["debit_account"], command["credit_account"]
    if not {payer, payee} <= house.accounts.keys():
        return "unknown_account"
    if payer == payee:
        return "self_trade"
    cents, cash = command["amount_cents"], house.treasury.cash
    if cents < 1:
        return "amount_not_positive"
    is_fine = fits(cash.get(payer, 0) - cents) and fits(cash.get(payee, 0) + cents)
    return None if is_fine else "amount_overflow"


def take(house: House, command: Command) -> None:
    """Book what comes in, pays or is asked back; then look at the calls that it touches."""
    treasury, kind, at = house.treasury, command["type"], command["at"]
    if kind == "report_asset_price/1":
        take_price(house, command)
        return
    if kind == "adjust_cash/1":
        add_cash(house, command["debit_account"], -command["amount_cents"])
        add_cash(house, command["credit_account"], command["amount_cents"])
        told = {name: value for name, value in command.items() if name not in ("type", "at")}
        house.state("cash_adjusted/1", SHARD, at, **told)
        look_at_call(house, command["debit_account"], treasury.clock, at)
        look_at_call(house, command["credit_account"], treasury.clock, at)
        return
    if kind in OF_FUND:
        take_fund(house, command)
        return
    if kind == "liquidate_asset/1":
        liquidate(house, command)
        return
    is_cash = "amount_cents" in command
    if kind.startswith("withdraw"):
        treasury.pending.append(command)
        name = "withdrawal_pending/1" if is_cash else "asset_withdrawal_pending/1"
        house.state(name, SHARD, at, **moved(command))
        return
    add(house, command, amount_of(command))
    name = "collateral_moved/1" if is_cash else "asset_moved/1"
    house.state(name, SHARD, at, **moved(command))
    look_at_call(house, command["account"], treasury.clock, at)


def liquidate(house: House, command: Command) -> None:
    """Turn a defaulter's units into cash, then look at the account's call."""
    account, at, cents = command["account"], command["at"], command["proceeds_cents"]
    add(house, command, -command["units"])
    add_cash(house, account, cents)
    house.state("asset_moved/1", SHARD, at, **(moved(command) | {"units": -command["units"]}))
    if cents:
        why = ("asset_moved/1", command["reference"], at)
        house.post(("house:bank", f"cash:{account}"), cents, why)
    look_at_call(house, account, house.treasury.clock, at)


def add_cash(house: House, account: str, cents: int) -> None:
    """Add to an account's cash."""
    house.treasury.cash[account] = house.treasury.cash.get(account, 0) + cents


def add(house: House, command: Command, amount: int) -> None:
    """Add cents or units to the account of a movement."""
    if "amount_cents" in command:
        add_cash(house, command["account"], amount)
        return
    units, key = house.treasury.units, (command["account"], command["asset"])
    units[key] = units.get(key, 0) + amount


def moved(command: Command) -> Command:
    """Give the fields of a movement."""
    amount = "amount_cents" if "amount_cents" in command else "units"
    return {name: command[name] for name in ("reference", "account", "asset", amount)}


def lack(house: House, account: str, at: int, is_for_cash: bool) -> int:  # noqa: FBT001 - a kind of call
    """Give what is called, what remains of a call, or what is instructed (RULEBOOK 5)."""
    treasury = house.treasury
    initial, cash = treasury.initial.get(account, 0), treasury.cash.get(account, 0)
    worth = equity(house, account, at)
    if is_for_cash and worth >= maintenance_cents(initial):
        return -cash
    return max(initial - worth, -cash)


def look_at_call(house: House, account: str, now: int | None, at: int) -> None:
    """Compare an open call's remainder with the one before, at the prices fresh now."""
    treasury = house.treasury
    call = treasury.calls.get(account)
    if call is None:
        return
    before = call.remaining
    assert now is not None
    call.remaining = lack(house, account, now, call.is_for_cash)
    if call.remaining != before and call.remaining != -treasury.cash.get(account, 0):
        call.is_for_cash = False
    if call.remaining <= 0:
        call.remaining = 0
        del treasury.calls[account]
        state_call(house, "margin_call_met/1", account, call, at)
    elif call.remaining < before:
        state_call(house, "margin_call_partly_met/1", account, call, at)
    elif call.remaining > before:
        state_call(house, "margin_call_raised/1", account, call, at)


def cycle(house: House, command: Command, paid: dict[str, int], next_date: date | None) -> None:
    """Run the members' part of a cycle, in the order of RULEBOOK 5 (`Equity`)."""
    treasury, at = house.treasury, command["at"]
    name = "close" if next_date is not None else command["cycle"]
    defaulters = [member for member, one in house.members.items() if one.is_waiting]
    look_at_prices(house, at)
    for account, cents in paid.items():
        add_cash(house, account, cents)
    settle_defaults(house, at)
    set_requirements(house, name, at)
    refuse_of_defaulters(house, defaulters, at)
    pay_withdrawals(house, at, defaulters)
    for account in sorted(treasury.calls):
        look_at_call(house, account, at, at)
    deadline = at + HOUR if next_date is None else midnight(next_date) + CLOSE_DEADLINE
    for account in sorted(house.accounts):
        make_call(house, account, (name, at, deadline))
    instruct(house, (name, at), paid)
    if next_date is not None:
        close_fund(house, at, deadline)


def set_requirements(house: House, name: str, at: int) -> None:
    """Set initial and maintenance of every account with a position, or that had one."""
    treasury = house.treasury
    parts: dict[str, list[dict[str, object]]] = {}
    initial: dict[str, int] = {}
    for product in sorted(house.markets):
        for contract in house.markets[product].live():
            for account, lots in positions(contract).items():
                cents = margin_cents(lots, contract.mark or 0, contract.rate_ppm)
                part = {"contract": contract.symbol, "lots": lots, "margin_cents": cents}
                parts.setdefault(account, []).append(part)
                initial[account] = initial.get(account, 0) + cents
    treasury.initial = initial
    for account in sorted({*parts, *treasury.with_position}):
        asked = initial.get(account, 0)
        house.state(
            "margin_set/1", SHARD, at, account=account,
            business_date=house.session().isoformat(), cycle=name, model="paper",
            initial_cents=asked, maintenance_cents=maintenance_cents(asked),
            equity_cents=equity(house, account, at), credit_cents=0, add_on_cents=0,
            collateral_cents=collateral(house, account, at), parts=parts.get(account, []),
        )  # fmt: skip
    treasury.with_position = sorted(parts)


def pay_withdrawals(house: House, at: int, defaulters: list[str]) -> None:
    """Pay or refuse the pending withdrawals in the order asked.

    defaulters: members whose default was not settled when the cycle began.
    """
    treasury = house.treasury
    pending, treasury.pending = treasury.pending, []
    for command in pending:
        account, is_cash = command["account"], "amount_cents" in command
        left = treasury.cash.get(account, 0) - (command["amount_cents"] if is_cash else 0)
        counted = collateral(house, account, at, less=None if is_cash else command)
        reason = None
        units = treasury.units.get((account, command["asset"]), 0)
        is_gone = not is_cash and units < command["units"]
        if house.accounts[account].member in defaulters:
            reason = "member_defaulted"
        elif (
            left < 0
            or is_gone
            or account in treasury.calls
            or left + counted < treasury.initial.get(account, 0)
        ):
            reason = "insufficient_equity"
        if reason is not None:
            name = "withdrawal_refused/1" if is_cash else "asset_withdrawal_refused/1"
            house.state(name, SHARD, at, **moved(command), reason=reason)
            continue
        add(house, command, -amount_of(command))
        amount = "amount_cents" if is_cash else "units"
        name = "collateral_moved/1" if is_cash else "asset_moved/1"
        house.state(name, SHARD, at, **(moved(command) | {amount: -amount_of(command)}))


def make_call(house: House, account: str, when: tuple[str, int, int]) -> None:
    """Call an account below maintenance, or whose cash is, one open call at a time."""
    treasury, (name, at, deadline) = house.treasury, when
    maintenance = maintenance_cents(treasury.initial.get(account, 0))
    is_below = equity(house, account, at) < maintenance
    if account in treasury.calls or not (is_below or treasury.cash.get(account, 0) < 0):
        return
    call = Call(f"{account}/{house.session().isoformat()}/{name}", 0, deadline, not is_below)
    call.remaining = lack(house, account, at, call.is_for_cash)
    treasury.calls[account] = call
    house.state(
        "margin_called/1", SHARD, at, call=call.name, account=account,
        member=house.accounts[account].member, amount_cents=call.remaining,
        deadline=print_instant(deadline),
    )  # fmt: skip


def instruct(house: House, when: tuple[str, int], paid: dict[str, int]) -> None:
    """Instruct what each member owes or gets, by origin (RULEBOOK 4 and 5)."""
    treasury, (name, at) = house.treasury, when
    for member in sorted(house.members):
        for origin in ORIGINS:
            mine = [
                account
                for account, found in house.accounts.items()
                if found.member == member and found.origin == origin
            ]
            net = sum(paid.get(account, 0) for account in mine)
            lacks = 0
            for account in mine:
                call = treasury.calls.get(account)
                is_for_cash = call is not None and call.is_for_cash
                lacks += max(0, lack(house, account, at, is_for_cash))
            if net or lacks:
                house.state(
                    "settlement_instructed/1", SHARD, at, member=member, origin=origin,
                    currency="USD", business_date=house.session().isoformat(), cycle=name,
                    variation_cents=net, margin_deficit_cents=lacks,
                )  # fmt: skip
