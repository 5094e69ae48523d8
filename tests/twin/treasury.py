"""Cash, withdrawals, margin calls and instructions of `member/0` (RULEBOOK 5)."""

from __future__ import annotations

from datetime import date

from tests.twin.books import Call, House
from tests.twin.instants import HOUR, midnight, print_instant
from tests.twin.margin import maintenance_cents, margin_cents
from tests.twin.positions import positions
from tests.twin.words import Command, fits

SHARD = "member/0"
CLOSE_DEADLINE = 13 * HOUR
ORIGINS = ("customer", "house")


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


def state_call(house: House, name: str, account: str, call: Call, at: int) -> None:
    """Record what became of a call."""
    house.state(name, SHARD, at, call=call.name, account=account, remaining_cents=call.remaining)


def move_collateral(house: House, command: Command) -> str | None:
    """Take a deposit or a withdrawal, or give the reason why not; repeats are silent."""
    memory, name = house.treasury.memory, command["reference"]
    if not house.is_in_range(command["at"]):
        memory.setdefault(name, (command, "time_out_of_range"))
        return "time_out_of_range"
    if name in memory:
        known, answer = memory[name]
        return answer if known == command else "duplicate_reference"
    reason = refuse_collateral(house, command)
    memory[name] = (command, reason)
    if reason is None:
        move_clock(house, command["at"])
        take_collateral(house, command)
    return reason


def refuse_collateral(house: House, command: Command) -> str | None:
    """Give the first reason against a new movement, in WIRE's order of precedence."""
    treasury, account, cents = house.treasury, command["account"], command["amount_cents"]
    is_withdrawal = command["type"] == "withdraw_collateral/1"
    if account not in house.accounts:
        return "unknown_account"
    if is_withdrawal and house.accounts[account].is_suspended:
        return "account_suspended"
    if is_withdrawal and house.is_defaulted(account):
        return "member_defaulted"
    if command["asset"] != "USD":
        return "unknown_asset"
    if cents < 1:
        return "amount_not_positive"
    cash = treasury.cash.get(account, 0)
    if is_withdrawal:
        mine = [found for found in treasury.pending if found["account"] == account]
        blocked = sum(found["amount_cents"] for found in mine)
        return "withdrawal_exceeds_cash" if cents > cash - blocked else None
    return None if fits(cash + cents) else "amount_overflow"


def take_collateral(house: House, command: Command) -> None:
    """Book a deposit and look at the account's call, or block a withdrawal."""
    treasury, account, at = house.treasury, command["account"], command["at"]
    if command["type"] == "withdraw_collateral/1":
        treasury.pending.append(command)
        house.state("withdrawal_pending/1", SHARD, at, **moved(command))
        return
    treasury.cash[account] = treasury.cash.get(account, 0) + command["amount_cents"]
    house.state("collateral_moved/1", SHARD, at, **moved(command))
    look_at_call(house, account, at)


def moved(command: Command) -> Command:
    """Give the fields of a movement."""
    return {name: command[name] for name in ("reference", "account", "asset", "amount_cents")}


def look_at_call(house: House, account: str, at: int) -> None:
    """Compare an open call's remainder with the one before (RULEBOOK 5)."""
    treasury = house.treasury
    call = treasury.calls.get(account)
    if call is None:
        return
    before = call.remaining
    call.remaining = treasury.initial.get(account, 0) - treasury.cash.get(account, 0)
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
    for account, cents in paid.items():
        treasury.cash[account] = treasury.cash.get(account, 0) + cents
    set_requirements(house, name, at)
    pay_withdrawals(house, at)
    for account in sorted(treasury.calls):
        look_at_call(house, account, at)
    deadline = at + HOUR if next_date is None else midnight(next_date) + CLOSE_DEADLINE
    for account in sorted(house.accounts):
        make_call(house, account, (name, at, deadline))
    instruct(house, (name, at), paid)


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
    for account in sorted({*parts, *treasury.with_position}):
        asked = initial.get(account, 0)
        house.state(
            "margin_set/1", SHARD, at, account=account,
            business_date=house.session().isoformat(), cycle=name, model="paper",
            initial_cents=asked, maintenance_cents=maintenance_cents(asked),
            equity_cents=treasury.cash.get(account, 0), collateral_cents=0, credit_cents=0,
            add_on_cents=0, parts=parts.get(account, []),
        )  # fmt: skip
    treasury.initial = initial
    treasury.with_position = sorted(parts)


def pay_withdrawals(house: House, at: int) -> None:
    """Pay or refuse the pending withdrawals in the order asked."""
    treasury = house.treasury
    pending, treasury.pending = treasury.pending, []
    for command in pending:
        account, cents = command["account"], command["amount_cents"]
        left = treasury.cash.get(account, 0) - cents
        reason = None
        if house.is_defaulted(account):
            reason = "member_defaulted"
        elif left < treasury.initial.get(account, 0) or account in treasury.calls:
            reason = "insufficient_equity"
        if reason is not None:
            house.state("withdrawal_refused/1", SHARD, at, **moved(command), reason=reason)
            continue
        treasury.cash[account] = left
        house.state("collateral_moved/1", SHARD, at, **(moved(command) | {"amount_cents": -cents}))


def make_call(house: House, account: str, when: tuple[str, int, int]) -> None:
    """Call an account below maintenance up to initial, one open call at a time."""
    treasury, (name, at, deadline) = house.treasury, when
    initial, equity = treasury.initial.get(account, 0), treasury.cash.get(account, 0)
    if account in treasury.calls or equity >= maintenance_cents(initial):
        return
    call = Call(f"{account}/{house.session().isoformat()}/{name}", initial - equity, deadline)
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
            lack = sum(
                max(0, treasury.initial.get(account, 0) - treasury.cash.get(account, 0))
                for account in mine
            )
            if net or lack:
                house.state(
                    "settlement_instructed/1", SHARD, at, member=member, origin=origin,
                    currency="USD", business_date=house.session().isoformat(), cycle=name,
                    variation_cents=net, margin_deficit_cents=lack,
                )  # fmt: skip
