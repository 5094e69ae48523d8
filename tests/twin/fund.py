"""The default fund: contributions, sizing, requirements, withdrawals, calls (RULEBOOK 7)."""

from __future__ import annotations

import re

from tests.twin.books import Call, House
from tests.twin.instants import print_instant
from tests.twin.shares import shared
from tests.twin.stress import run_stress
from tests.twin.words import INT64_MAX, Command, fits

SHARD = "member/0"
PLAIN = re.compile("0|[1-9][0-9]{0,30}")
MILLION = 1_000_000
# Of a parameter its default and the most it may be; the least is 0.
PARAMETERS = {
    "fund_buffer_ppm": (100_000, MILLION),
    "fund_floor_cents": (1_000_000 * 100, INT64_MAX),
    "fund_member_floor_cents": (10_000 * 100, INT64_MAX),
    "assessment_ppm": (MILLION, 10 * MILLION),
}


def parameter(house: House, name: str) -> int:
    """Give a parameter as it is in force."""
    return house.settings.get(name, PARAMETERS[name][0])


def refuse_fund_parameter(command: Command) -> str | None:
    """Tell why a parameter of the fund is refused: of all products, a plain number in range."""
    text, most = command["value"], PARAMETERS[command["parameter"]][1]
    is_number = PLAIN.fullmatch(text) is not None and int(text) <= most
    return None if is_number and command["product"] is None else "invalid_value"


def refuse_fund(house: House, command: Command) -> str | None:
    """Give the first reason against a contribution or a withdrawal, in WIRE's order."""
    treasury, member, cents = house.treasury, command["member"], command["amount_cents"]
    is_withdrawal = command["type"] == "withdraw_fund/1"
    if member is not None and member not in house.members:
        return "unknown_member"
    if is_withdrawal and member is not None and house.members[member].is_waiting:
        return "member_defaulted"
    if cents < 1:
        return "amount_not_positive"
    there = treasury.fund.get(member, 0)
    if is_withdrawal:
        waiting = [one["amount_cents"] for one in treasury.fund_pending if one["member"] == member]
        return "withdrawal_exceeds_cash" if cents > there - sum(waiting) else None
    return None if fits(there + cents) else "amount_overflow"


def take_fund(house: House, command: Command) -> None:
    """Book a contribution and look at the member's call, or block a withdrawal."""
    if command["type"] == "withdraw_fund/1":
        house.treasury.fund_pending.append(command)
        house.state("fund_withdrawal_pending/1", SHARD, command["at"], **moved(command))
        return
    move(house, command, command["amount_cents"], command["at"])
    if command["member"] is not None:
        look_at_fund_call(house, command["member"], command["at"])


def moved(command: Command) -> Command:
    """Give the fields of a movement of the fund."""
    return {name: command[name] for name in ("reference", "member", "amount_cents")}


def move(house: House, command: Command, cents: int, at: int) -> None:
    """Move money into the fund (or, below zero, out of it)."""
    treasury, member = house.treasury, command["member"]
    treasury.fund[member] = treasury.fund.get(member, 0) + cents
    house.state("fund_moved/1", SHARD, at, **(moved(command) | {"amount_cents": cents}))
    name = "house:capital" if member is None else f"fund:{member}"
    sides = ("house:bank", name) if cents > 0 else (name, "house:bank")
    house.post(sides, abs(cents), ("fund_moved/1", command["reference"], at))


def refuse_of_defaulters(house: House, defaulters: list[str], at: int) -> None:
    """Refuse the pending withdrawals of members whose default was not settled as a cycle began."""
    treasury = house.treasury
    pending, treasury.fund_pending = treasury.fund_pending, []
    for command in pending:
        if command["member"] in defaulters:
            refuse_withdrawal(house, command, "member_defaulted", at)
        else:
            treasury.fund_pending.append(command)


def refuse_withdrawal(house: House, command: Command, reason: str, at: int) -> None:
    """Record that a withdrawal is not paid."""
    house.state("fund_withdrawal_refused/1", SHARD, at, **moved(command), reason=reason)


def close_fund(house: House, at: int, deadline: int) -> None:
    """Size the fund at a close, require, pay back, look at the calls, call (RULEBOOK 7)."""
    scenario, cover = run_stress(house, at)
    buffered = -(-cover * (MILLION + parameter(house, "fund_buffer_ppm")) // MILLION)
    required = min(INT64_MAX, max(parameter(house, "fund_floor_cents"), buffered))
    house.state(
        "fund_sized/1", SHARD, at, business_date=house.session().isoformat(), scenario=scenario,
        cover_cents=cover, required_cents=required,
    )  # fmt: skip
    require(house, required, at)
    pay_back(house, at)
    for member in sorted(house.treasury.fund_calls):
        look_at_fund_call(house, member, at)
    for member in house.standing():
        call(house, member, at, deadline)


def require(house: House, whole: int, at: int) -> None:
    """State what each standing member must have in the fund, and what it has."""
    treasury = house.treasury
    weights = dict.fromkeys(house.standing(), 0)
    for account, cents in treasury.initial.items():
        if house.accounts[account].member in weights:
            weights[house.accounts[account].member] += cents
    for member, part in shared(whole, weights).items():
        treasury.required[member] = max(part, parameter(house, "fund_member_floor_cents"))
        house.state(
            "fund_required/1", SHARD, at, business_date=house.session().isoformat(),
            member=member, required_cents=treasury.required[member],
            held_cents=treasury.fund.get(member, 0),
        )  # fmt: skip


def pay_back(house: House, at: int) -> None:
    """Pay or refuse what was asked back, in the order asked; none while a default is open."""
    treasury = house.treasury
    pending, treasury.fund_pending = treasury.fund_pending, []
    is_open = any(member.is_waiting for member in house.members.values())
    for command in pending:
        member, cents = command["member"], command["amount_cents"]
        is_standing = member in house.standing()
        least = treasury.required[member] if is_standing else 0
        if is_open or treasury.fund.get(member, 0) - cents < least:
            refuse_withdrawal(house, command, "insufficient_equity", at)
        else:
            move(house, command, -cents, at)


def look_at_fund_call(house: House, member: str, at: int) -> None:
    """Compare what an open fund call lacks with what it lacked before."""
    treasury = house.treasury
    open_call = treasury.fund_calls.get(member)
    if open_call is None:
        return
    before = open_call.remaining
    open_call.remaining = max(0, treasury.required[member] - treasury.fund.get(member, 0))
    if open_call.remaining == 0:
        del treasury.fund_calls[member]
        state_fund_call(house, "fund_call_met/1", member, open_call, at)
    elif open_call.remaining != before:
        is_less = open_call.remaining < before
        name = "fund_call_partly_met/1" if is_less else "fund_call_raised/1"
        state_fund_call(house, name, member, open_call, at)


def call(house: House, member: str, at: int, deadline: int) -> None:
    """Call what a standing member lacks, one open call at a time."""
    treasury = house.treasury
    lacks = treasury.required[member] - treasury.fund.get(member, 0)
    if member in treasury.fund_calls or lacks <= 0:
        return
    name = f"fund/{member}/{house.session().isoformat()}"
    treasury.fund_calls[member] = Call(name, lacks, deadline)
    house.state(
        "fund_called/1", SHARD, at, call=name, member=member, amount_cents=lacks,
        deadline=print_instant(deadline),
    )  # fmt: skip


def miss_fund_calls(house: House, clock: int) -> None:
    """Let the fund calls past their deadline be missed, once."""
    treasury = house.treasury
    for member in sorted(treasury.fund_calls):
        if treasury.fund_calls[member].deadline < clock:
            missed = treasury.fund_calls.pop(member)
            state_fund_call(house, "fund_call_missed/1", member, missed, clock)


def state_fund_call(house: House, name: str, member: str, of: Call, at: int) -> None:
    """Record what became of a fund call."""
    house.state(name, SHARD, at, call=of.name, member=member, remaining_cents=of.remaining)
