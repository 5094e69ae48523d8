"""The default fund at a close: stress, size, requirements, withdrawals, calls (RULEBOOK §7).

In: the flows of all markets and the levels of accounts after the margin calls. Out: facts, in the
order of the rulebook. The contributions are balances of the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from events.contracts import product_of
from events.fund_facts import FundMoved, FundSized, GroupLoss, StressRun
from events.int64 import IntArray, totals_by
from events.ledger_names import BANK, fund_of
from events.member_facts import Posting
from risk.cycle import Cycle
from risk.fund import (
    FundRule,
    check_fund_call,
    decide_fund_withdrawals,
    fund_required,
    fund_requirements,
    fund_size,
    new_fund_calls,
)
from risk.levels import MarginLevels
from risk.stress import ScenarioLoss, StressHolding, cover_of, group_losses, stress_losses
from risk.waterfall import Movement
from services.shards.links import ContractFlow
from services.shards.member.books import MemberBooks, MemberEmission
from services.shards.member.postings import posting_of
from settlement.control_books import ControlBooks


def work_fund(
    books: MemberBooks,
    flows: Sequence[ContractFlow],
    *,
    levels: MarginLevels,
    cycle: Cycle,
    emit: MemberEmission,
) -> None:
    """The fund's part of a close."""
    standing = standing_members(books.control)
    member_of = member_codes(books.control, standing)
    covered = covered_by_margin(levels)
    losses = _losses(flows, covered=covered, member_of=member_of, members=len(standing))
    size_cents = _state_size(books, losses, standing=standing, cycle=cycle, emit=emit)
    stands = member_of >= 0
    sums = totals_by(
        member_of[stands].astype(np.intp), levels.initial[stands], groups=len(standing)
    )
    initial_cents = dict(zip(standing, sums, strict=True))
    required = fund_requirements(size_cents, initial_cents, rule=fund_rule(books.control))
    for fact in fund_required(required, books.fund_cents, day=cycle.business_date, at=cycle.at):
        emit(fact)
    _decide_withdrawals(books, standing, cycle=cycle, emit=emit)
    for member in sorted(books.fund.calls):
        look_at_fund_call(books, member, at=cycle.at, emit=emit)
    for called in new_fund_calls(books.fund, books.fund_cents, members=standing, cycle=cycle):
        emit(called)


def look_at_fund_call(
    books: MemberBooks, member: str | None, *, at: int, emit: MemberEmission
) -> None:
    """Compare what remains of a member's open call with what it has contributed, if it has one."""
    call = None if member is None else books.fund.calls.get(member)
    if call is None:
        return
    change = check_fund_call(call, books.fund.lacking(call.member, books.fund_cents), at=at)
    if change is not None:
        emit(change)


def fund_posting(fact: FundMoved) -> Posting:
    """The posting of a contribution or of a withdrawal paid."""
    account = fund_of(fact.member)
    debit, credit = (BANK, account) if fact.amount_cents > 0 else (account, BANK)
    moved = Movement(debit, credit, abs(fact.amount_cents))
    return posting_of(moved, FundMoved, reference=fact.reference, at=fact.at)


def fund_rule(control: ControlBooks) -> FundRule:
    """The parameters of the fund's size in force."""
    return FundRule(
        control.parameter("fund_buffer_ppm"),
        control.parameter("fund_floor_cents"),
        control.parameter("fund_member_floor_cents"),
    )


def standing_members(control: ControlBooks) -> list[str]:
    """The members that are not in default, by name."""
    return sorted(member.name for member in control.members.values() if not member.is_defaulted)


def member_codes(control: ControlBooks, members: Sequence[str]) -> IntArray:
    """The place of each account's member among these, by account number; −1 for any other."""
    code_of = {member: code for code, member in enumerate(members)}
    accounts = control.accounts_by_number
    return np.array([code_of.get(account.member.name, -1) for account in accounts], dtype=np.int64)


def holdings_of(flows: Sequence[ContractFlow]) -> list[StressHolding]:
    """The positions that a stress run moves: of contracts that go on and have a price."""
    return [
        StressHolding(
            product_of(flow.contract), flow.rank, flow.mark_ticks, flow.accounts, flow.lots
        )
        for flow in flows
        if flow.rank is not None and flow.mark_ticks is not None
    ]


def covered_by_margin(levels: MarginLevels) -> IntArray:
    """The loss of each account that its margin covers: no more than its equity, none below zero."""
    return np.minimum(levels.initial, np.maximum(levels.equity, 0))


def _losses(
    flows: Sequence[ContractFlow], *, covered: IntArray, member_of: IntArray, members: int
) -> list[ScenarioLoss]:
    return stress_losses(
        holdings_of(flows),
        moves_ppm={product_of(flow.contract): flow.moves_ppm for flow in flows},
        contracts=Counter(product_of(flow.contract) for flow in flows if flow.rank is not None),
        covered=covered,
        member_of=member_of,
        members=members,
    )


def _state_size(
    books: MemberBooks,
    losses: Sequence[ScenarioLoss],
    *,
    standing: Sequence[str],
    cycle: Cycle,
    emit: MemberEmission,
) -> int:
    """State the stress runs and the size that the largest cover asks for; gives the size."""
    control = books.control
    groups = [control.members[member].group for member in standing]
    stated = {"at": cycle.at, "business_date": cycle.business_date}
    cover_cents, scenario = 0, None
    for loss in losses:
        largest = group_losses(loss, groups)[:2]
        emit(
            StressRun(
                at=cycle.at,
                business_date=cycle.business_date,
                scenario=loss.scenario,
                losses=tuple(GroupLoss(group=group, loss_cents=cents) for group, cents in largest),
            )
        )
        cover = cover_of(largest)
        if cover > cover_cents:
            cover_cents, scenario = cover, loss.scenario
    size_cents = fund_size(cover_cents, rule=fund_rule(control))
    sized = {"scenario": scenario, "cover_cents": cover_cents, "required_cents": size_cents}
    emit(FundSized.model_validate(stated | sized))
    return size_cents


def _decide_withdrawals(
    books: MemberBooks, standing: Sequence[str], *, cycle: Cycle, emit: MemberEmission
) -> None:
    is_stayed = any(map(books.is_in_default, books.control.members))
    for fact in decide_fund_withdrawals(
        books.fund, books.fund_cents, standing=standing, is_stayed=is_stayed, at=cycle.at
    ):
        emit(fact)
        if isinstance(fact, FundMoved):
            emit(fund_posting(fact))
