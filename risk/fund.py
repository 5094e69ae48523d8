"""The default fund: its size, the members' requirements, withdrawals and calls (RULEBOOK §7).

In: the cover of a stress run, the members' initial margin, what they have contributed. Out: the
facts of the fund. Decisions read a `FundBook`; only `apply_*` change it. The contributions
themselves are balances of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from datetime import date
from typing import Any, NamedTuple, Self, TypeAlias

from events.fund_facts import (
    FundCalled,
    FundCallMet,
    FundCallMissed,
    FundCallPartlyMet,
    FundCallRaised,
    FundMoved,
    FundRequired,
    FundWithdrawalPending,
    FundWithdrawalRefused,
)
from events.refusals import Reason
from events.units import INT64_MAX, PPM, ceil_div
from risk.cycle import Cycle
from risk.shares import shares

# A contribution in cents by member; None: the clearinghouse's own capital.
Contribution: TypeAlias = Callable[[str | None], int]
FundCallChange: TypeAlias = FundCallMet | FundCallPartlyMet | FundCallRaised


class FundWithdrawal(NamedTuple):
    """A withdrawal to be decided at the next close. member: None for the capital."""

    reference: str
    member: str | None
    amount_cents: int


@dataclass(slots=True)
class OpenFundCall:
    """A call that is neither met nor missed."""

    call: str
    member: str
    remaining_cents: int
    deadline_ns: int


class FundRule(NamedTuple):
    """The parameters of the fund's size."""

    buffer_ppm: int
    floor_cents: int
    member_floor_cents: int


@dataclass(slots=True)
class FundBook:
    """Last requirements and open calls by member; pending withdrawals in order of arrival."""

    required: dict[str, int] = field(default_factory=dict)
    calls: dict[str, OpenFundCall] = field(default_factory=dict)
    pending: dict[str, FundWithdrawal] = field(default_factory=dict)

    def blocked(self, member: str | None) -> int:
        """The sum of a contributor's pending withdrawals, in cents."""
        return sum(asks.amount_cents for asks in self.pending.values() if asks.member == member)

    def lacking(self, member: str, contribution: Contribution) -> int:
        """What a member lacks to its last requirement, in cents; 0 or less: nothing."""
        return self.required.get(member, 0) - contribution(member)

    def to_state(self) -> dict[str, Any]:
        """The book in plain values."""
        return {
            "required": self.required,
            "calls": [astuple(call) for _, call in sorted(self.calls.items())],
            "pending": [[*withdrawal] for withdrawal in self.pending.values()],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The book of a state. Law: its `to_state` equals it."""
        calls = [OpenFundCall(*values) for values in state["calls"]]
        pending = [FundWithdrawal(*values) for values in state["pending"]]
        return cls(
            required=state["required"],
            calls={call.member: call for call in calls},
            pending={withdrawal.reference: withdrawal for withdrawal in pending},
        )


def fund_size(cover_cents: int, *, rule: FundRule) -> int:
    """What the fund must have: the cover with its buffer, at least the floor; at most int64's."""
    buffered = ceil_div(cover_cents * (PPM + rule.buffer_ppm), PPM)
    return min(max(rule.floor_cents, buffered), INT64_MAX)


def fund_requirements(
    size_cents: int, initial_cents: Mapping[str, int], *, rule: FundRule
) -> dict[str, int]:
    """Each standing member's share of the fund, at least the floor of a member, by name.

    initial_cents: the initial margin of all accounts of each standing member.
    """
    shared = shares(size_cents, initial_cents)
    return {
        member: max(shared[member], rule.member_floor_cents) for member in sorted(initial_cents)
    }


def fund_required(
    required_cents: Mapping[str, int], contribution: Contribution, *, day: date, at: int
) -> list[FundRequired]:
    """The facts of requirements. contribution: before this close's withdrawals."""
    return [
        FundRequired(
            at=at,
            business_date=day,
            member=member,
            required_cents=required,
            held_cents=contribution(member),
        )
        for member, required in required_cents.items()
    ]


def decide_fund_withdrawals(
    book: FundBook,
    contribution: Contribution,
    *,
    standing: Container[str],
    is_stayed: bool,
    at: int,
) -> list[FundMoved | FundWithdrawalRefused]:
    """Pay or refuse the pending withdrawals in order of arrival, after the requirements.

    standing: the members of whom something is required; is_stayed: a declared default is not
    settled, and all are refused.
    """
    remaining: dict[str | None, int] = {}
    facts: list[FundMoved | FundWithdrawalRefused] = []
    for withdrawal in book.pending.values():
        reference, member, amount = withdrawal
        after = remaining.get(member, contribution(member)) - amount
        required = book.required[member] if member is not None and member in standing else 0
        if is_stayed or after < required:
            facts.append(_refused(withdrawal, at, reason=Reason.INSUFFICIENT_EQUITY))
            continue
        remaining[member] = after
        facts.append(FundMoved(at=at, reference=reference, member=member, amount_cents=-amount))
    return facts


def refuse_defaulters(
    book: FundBook, in_default: Container[str | None], *, at: int
) -> list[FundWithdrawalRefused]:
    """The refusals of withdrawals of members whose default is not settled."""
    return [
        _refused(withdrawal, at, reason=Reason.MEMBER_DEFAULTED)
        for withdrawal in book.pending.values()
        if withdrawal.member in in_default
    ]


def _refused(withdrawal: FundWithdrawal, at: int, *, reason: Reason) -> FundWithdrawalRefused:
    reference, member, amount = withdrawal
    return FundWithdrawalRefused(
        at=at, reference=reference, member=member, amount_cents=amount, reason=reason.value
    )


def check_fund_call(call: OpenFundCall, remaining_cents: int, *, at: int) -> FundCallChange | None:
    """The change of a call for a remainder; None when it is the same."""
    if remaining_cents <= 0:
        return FundCallMet(at=at, call=call.call, member=call.member, remaining_cents=0)
    if remaining_cents == call.remaining_cents:
        return None
    is_less = remaining_cents < call.remaining_cents
    change = FundCallPartlyMet if is_less else FundCallRaised
    return change(at=at, call=call.call, member=call.member, remaining_cents=remaining_cents)


def new_fund_calls(
    book: FundBook, contribution: Contribution, *, members: Iterable[str], cycle: Cycle
) -> list[FundCalled]:
    """The calls of a close: for what each member lacks that has no open call. members: standing."""
    return [
        FundCalled(
            at=cycle.at,
            call=f"fund/{member}/{cycle.business_date.isoformat()}",
            member=member,
            amount_cents=lacking,
            deadline=cycle.deadline_ns,
        )
        for member in members
        if member not in book.calls and (lacking := book.lacking(member, contribution)) > 0
    ]


def missed_fund_calls(book: FundBook, clock: int) -> list[FundCallMissed]:
    """The open calls whose deadline the clock has passed, by deadline and member."""
    late = [call for call in book.calls.values() if call.deadline_ns < clock]
    late.sort(key=lambda call: (call.deadline_ns, call.member))
    return [
        FundCallMissed(
            at=clock, call=call.call, member=call.member, remaining_cents=call.remaining_cents
        )
        for call in late
    ]


def apply_fund_pending(book: FundBook, fact: FundWithdrawalPending) -> None:
    """Block the amount."""
    book.pending[fact.reference] = FundWithdrawal(fact.reference, fact.member, fact.amount_cents)


def apply_fund_called(book: FundBook, fact: FundCalled) -> None:
    """Open a call."""
    book.calls[fact.member] = OpenFundCall(fact.call, fact.member, fact.amount_cents, fact.deadline)
