"""A cycle of `member/0`: a barrier settles the flows of all markets on the accounts (RULEBOOK §5).

In: the copy of `run_cycle` or `close_session` and the flows of every market shard. Out: facts, in
the order of the rulebook: prices that became too old, variation to cash, settlements of defaults,
requirements, withdrawals, open calls, new calls, instructions; at a close the fund.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np
import numpy.typing as npt

from events.asset_facts import AssetCounted, AssetStale
from events.contracts import CURRENCY
from events.control_commands import CLOSE_CYCLE, Barrier, CloseSession
from events.int64 import IntArray, total
from events.ledger_names import BANK, cash_of, variation_of
from events.market_facts import VariationSettled
from events.member_facts import CollateralMoved, MarginSet, Posting
from events.texts import decimals, joined
from risk.calls import AccountNames, check_calls, new_calls
from risk.collateral import is_fresh
from risk.cycle import Cycle, deadline_of_close, deadline_of_cycle
from risk.fund import refuse_defaulters
from risk.instructions import Side, deficits, instruct
from risk.levels import MarginLevels
from risk.requirement import maintenance_of
from risk.waterfall import Movement
from risk.withdrawals import decide_withdrawals
from services.shards.links import ContractFlow
from services.shards.member.apply import apply_requirements, apply_variation
from services.shards.member.books import MemberBooks, MemberEmission, as_column
from services.shards.member.decide import state_missed
from services.shards.member.fund import work_fund
from services.shards.member.margin import CycleTotals, add_up, models_of, positions_of
from services.shards.member.postings import posting_of
from services.shards.member.settlement import settle_defaults


def cycle_of(books: MemberBooks, command: Barrier) -> Cycle:
    """The cycle of a barrier."""
    control = books.control
    if isinstance(command, CloseSession):
        time_of_day = control.parameter_text("call_deadline")
        deadline = deadline_of_close(command.next_business_date, time_of_day=time_of_day)
        return Cycle(command.business_date, CLOSE_CYCLE, command.at, deadline)
    session = control.business_date
    assert session is not None, "a cycle was ordered without a session"
    deadline = deadline_of_cycle(command.at, minutes=control.parameter("call_minutes"))
    return Cycle(session, command.cycle, command.at, deadline)


def settle_cycle(
    books: MemberBooks,
    cycle: Cycle,
    *,
    flows: Sequence[ContractFlow],
    emit: MemberEmission,
) -> CycleTotals:
    """Settle a barrier; calls whose deadline has passed are stated first."""
    state_missed(books, cycle.at, emit=emit)
    _state_stale(books, cycle, emit=emit)
    accounts = len(books.cash)
    totals = add_up(accounts, flows, parameter=books.control.parameter)
    totals.positions = positions_of(accounts, flows, margins=totals.margins)
    net = totals.net
    in_default = set(filter(books.is_in_default, books.control.members))
    _pay_variation(books, totals, cycle=cycle, emit=emit)
    settle_defaults(books, totals.has_position, at=cycle.at, emit=emit)
    _require(books, totals, cycle=cycle, emit=emit)
    _decide_withdrawals(books, in_default, cycle=cycle, emit=emit)
    _count_assets(books, cycle, emit=emit)
    levels = books.levels(cycle.at)
    _work_calls(books, levels, cycle=cycle, emit=emit)
    _instruct(books, levels, net=net, cycle=cycle, emit=emit)
    if cycle.name == CLOSE_CYCLE:
        work_fund(books, flows, levels=levels, cycle=cycle, emit=emit)
    return totals


def _state_stale(books: MemberBooks, cycle: Cycle, *, emit: MemberEmission) -> None:
    """State the assets whose price has become too old, each once."""
    for asset, price in sorted(books.assets.prices.items()):
        if not price.is_stale and not is_fresh(price, books.control.assets[asset], at=cycle.at):
            emit(AssetStale(at=cycle.at, asset=asset, price_micros=price.micros))


def _pay_variation(
    books: MemberBooks, totals: CycleTotals, *, cycle: Cycle, emit: MemberEmission
) -> None:
    """Post each account's variation of each product; the amounts of a product sum to zero."""
    alike = {
        "currency": CURRENCY,
        "for_": VariationSettled.TYPE,
        "reference": f"{cycle.business_date.isoformat()}/{cycle.name}",
    }
    for product, column in totals.variation.items():
        moved = np.flatnonzero(column)
        amounts = column[moved]
        assert total(amounts) == 0, f"variation of {product} does not sum to zero"
        cash = joined((cash_of("").encode(), books.control.account_names(moved)))
        house, has_gained = variation_of(product).encode(), amounts > 0
        apply_variation(books, product, amount_cents=column)
        emit.columns(
            Posting,
            cycle.at,
            alike=alike,
            columns={
                "debit": cash.replaced_where(has_gained, house),
                "credit": cash.replaced_where(~has_gained, house),
                "amount_cents": decimals(np.abs(amounts)),
            },
        )


def _require(
    books: MemberBooks, totals: CycleTotals, *, cycle: Cycle, emit: MemberEmission
) -> None:
    """Set requirements; one fact for each account with a position now or before."""
    maintenance = maintenance_of(
        totals.initial, share_ppm=books.control.parameter("maintenance_ppm")
    )
    had = np.frombuffer(bytes(books.had_position), dtype=np.bool_)
    has_position = totals.has_position
    chosen = np.flatnonzero(has_position | had)
    apply_requirements(
        books, initial=totals.initial, maintenance=maintenance, has_position=has_position
    )
    levels = books.levels(cycle.at)
    amounts = {
        "initial_cents": totals.initial,
        "maintenance_cents": maintenance,
        "equity_cents": levels.equity,
        "collateral_cents": levels.equity - levels.cash,
        "credit_cents": totals.credit,
        "add_on_cents": totals.add_on,
    }
    alike: dict[str, object] = {"business_date": cycle.business_date, "cycle": cycle.name}
    columns = {"account": books.control.account_names(chosen)}
    default = books.control.parameter_text("margin_model")
    if len(totals.models) > 1:
        columns["model"] = models_of(totals, chosen, default=default)
    else:
        alike["model"] = next(iter(totals.models), default)
    for name, column in amounts.items():
        if column.any():
            columns[name] = decimals(column[chosen])
        else:
            alike[name] = 0
    columns["parts"] = totals.positions[chosen]
    emit.columns(MarginSet, cycle.at, alike=alike, columns=columns)


def _decide_withdrawals(
    books: MemberBooks, defaulters: Container[str | None], *, cycle: Cycle, emit: MemberEmission
) -> None:
    """Pay or refuse. defaulters: whose default was not settled when the cycle began."""
    accounts = books.control.accounts_by_number
    pending = {withdrawal.number for withdrawal in books.withdrawals.pending.values()}
    decided = decide_withdrawals(
        books.withdrawals,
        funds_of=books.funds_of,
        counted=lambda funds: books.collateral_of(funds, cycle.at),
        has_open_call=books.calls.open_calls,
        in_default={number for number in pending if accounts[number].member.name in defaulters},
        at=cycle.at,
    )
    for fact in decided:
        emit(fact)
        if isinstance(fact, CollateralMoved):
            emit(_paid_out(fact))
    for refused in refuse_defaulters(books.fund, defaulters, at=cycle.at):
        emit(refused)


def _paid_out(fact: CollateralMoved) -> Posting:
    paid = Movement(cash_of(fact.account), BANK, -fact.amount_cents)
    return posting_of(paid, CollateralMoved, reference=fact.reference, at=fact.at)


def _count_assets(books: MemberBooks, cycle: Cycle, *, emit: MemberEmission) -> None:
    """State the units that accounts have now, by asset, and what they count for."""
    if not books.assets.units:
        return
    for asset, counted in books.counted(cycle.at).items():
        units = as_column(books.assets.units[asset])
        chosen = np.flatnonzero(units)
        emit.columns(
            AssetCounted,
            cycle.at,
            alike={"asset": asset, "business_date": cycle.business_date, "cycle": cycle.name},
            columns={
                "account": books.control.account_names(chosen),
                "units": decimals(units[chosen]),
                "counted_cents": decimals(counted[chosen]),
            },
        )


def _work_calls(
    books: MemberBooks, levels: MarginLevels, *, cycle: Cycle, emit: MemberEmission
) -> None:
    for _, change in check_calls(books.calls, levels, at=cycle.at):
        emit(change)
    accounts = books.control.accounts_by_number
    names = AccountNames(
        accounts=[account.name for account in accounts],
        members=[account.member.name for account in accounts],
    )
    for _, call in new_calls(books.calls, names, levels=levels, cycle=cycle):
        emit(call)


def _instruct(
    books: MemberBooks, levels: MarginLevels, *, net: IntArray, cycle: Cycle, emit: MemberEmission
) -> None:
    sides, codes = sides_of(books)
    calls = books.calls.open_calls
    for_cash = [number for number in calls if calls[number].is_for_cash]
    deficit = deficits(levels, for_cash=for_cash)
    for fact in instruct(sides, codes, variation=net, deficit=deficit, cycle=cycle):
        emit(fact)


def sides_of(books: MemberBooks) -> tuple[list[Side], npt.NDArray[np.intp]]:
    """Members' sides by name and origin, and the index of each account's side."""
    accounts = books.control.accounts_by_number
    keys = [(account.member.name, account.origin) for account in accounts]
    ordered = sorted(dict.fromkeys(keys))
    codes = {key: code for code, key in enumerate(ordered)}
    sides = [Side(member, origin) for member, origin in ordered]  # type: ignore[arg-type]
    return sides, np.array([codes[key] for key in keys], dtype=np.intp)
