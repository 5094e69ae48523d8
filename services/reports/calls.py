"""Margin calls: those that are open now with what remains, or all of some dates.

In: the rows of `member/0`. Out: one row for each call, by deadline; its status is that of now. One
that was missed is shown among the open ones until the next cycle, which calls again or not. The
clock is that of `member/0`: the greatest time that it accepted, no wall clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from events.asset_facts import AssetMoved, AssetPriced, AssetWithdrawalPending
from events.fund_facts import FundMoved, FundWithdrawalPending
from events.member_facts import CashAdjusted, CollateralMoved, WithdrawalPending
from events.units import MINUTE_NS, parse_instant
from services.reports.filters import accounts_asked
from services.reports.kind import ReportKind
from services.reports.report import NamedCells, ReportFact, ReportRequest, TableLayout, fact_name
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD

_CALLED: Final = "margin_called/1"
_MISSED: Final = "missed"
_ENDED: Final = ("met", _MISSED)
# A shard's clock goes by its own commands too (RULEBOOK §1); these are what they state.
_CLOCK_MOVED: Final = tuple(
    kind.TYPE.encode()
    for kind in (
        CollateralMoved,
        WithdrawalPending,
        CashAdjusted,
        AssetMoved,
        AssetWithdrawalPending,
        AssetPriced,
        FundMoved,
        FundWithdrawalPending,
    )
)
_STATUS: Final = "margin_call_"
# A deadline lies at most a week after a cycle, at 13:00 of the next session after a close.
_LOOK_BACK: Final = timedelta(days=21)
_SESSIONS_BACK: Final = 3


@dataclass(slots=True)
class CallLife:
    """A margin call and what became of it: open, partly_met, raised, met or missed."""

    business_date: date
    called: ReportFact
    remaining_cents: int
    changed_at: str
    changed_seq: int
    status: str = "open"

    @property
    def is_open(self) -> bool:
        """Whether it is neither met nor missed."""
        return self.status not in _ENDED

    def minutes(self, clock: int) -> int:
        """Its age at a time, in whole minutes; of one that ended, at its end."""
        end = clock if self.is_open else parse_instant(self.changed_at)
        return max(0, end - parse_instant(self.called["at"])) // MINUTE_NS

    def is_overdue(self, clock: int) -> bool:
        """Whether its deadline has passed with a remainder."""
        is_late = self.is_open and clock > parse_instant(self.called["deadline"])
        return is_late or self.status == _MISSED


def calls_made(
    view: JournalView, days: Iterable[date], *, accounts: Collection[str] | None
) -> list[CallLife]:
    """The calls made on these dates with what became of them until the last of these dates."""
    calls: dict[str, CallLife] = {}
    for day in days:
        for row in view.rows(MEMBER_SHARD, day, words=(b"margin_call",)):
            for fact in row.facts(b"margin_call"):
                if accounts is None or fact["account"] in accounts:
                    _follow(calls, fact, day=day)
    return list(calls.values())


def days_of_open_calls(view: JournalView, until: date) -> list[date]:
    """The dates, up to one, on which a call that is open then can have been made."""
    sessions = [day for day in view.sessions() if day <= until]
    if not sessions:
        return []
    recent = [day for day in sessions if day >= sessions[-1] - _LOOK_BACK]
    return max(recent, sessions[-_SESSIONS_BACK:], key=len)


def clock_of_calls(view: JournalView) -> int:
    """The clock by which calls are missed: the greatest time that `member/0` accepted."""
    times = [
        parse_instant(fact["at"])
        for day in view.sessions()[-_SESSIONS_BACK:]
        for row in view.rows(MEMBER_SHARD, day, words=_CLOCK_MOVED)
        for fact in row.facts(*_CLOCK_MOVED)
    ]
    return max([view.control.clock or 0, *times])


def _follow(calls: dict[str, CallLife], fact: ReportFact, *, day: date) -> None:
    if fact["type"] == _CALLED:
        calls[fact["call"]] = CallLife(day, fact, fact["amount_cents"], fact["at"], fact["seq"])
    elif fact["call"] in calls:
        call = calls[fact["call"]]
        call.status = fact_name(fact["type"]).removeprefix(_STATUS)
        call.remaining_cents = fact["remaining_cents"]
        call.changed_at, call.changed_seq = fact["at"], fact["seq"]


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    is_now = request.given_date is None
    days = days_of_open_calls(view, date.max)
    if not is_now:
        days = [day for day in view.sessions() if day >= request.first_date]
    clock = clock_of_calls(view)
    calls = calls_made(view, days, accounts=accounts_asked(view, request))
    calls.sort(key=lambda call: (call.called["deadline"], call.called["call"]))
    last_cycle = _last_cycle(view, days) if is_now else None
    for call in calls:
        if last_cycle is None:
            is_asked = call.business_date <= request.business_date
        else:
            is_asked = call.is_open or (call.status == _MISSED and call.changed_seq > last_cycle)
        # A call goes with its account: it is the member's that has it now.
        member = view.control.accounts[call.called["account"]].member.name
        if is_asked and request.options.get("member") in (None, member):
            yield {**_cells(call, clock=clock), "member": member}


def _last_cycle(view: JournalView, days: Sequence[date]) -> int:
    """The row of the last cycle of these dates; -1 if they have none."""
    for day in reversed(days):
        seqs = [row.seq for row in view.barriers(MEMBER_SHARD, day)]
        if seqs:
            return seqs[-1]
    return -1


def _cells(call: CallLife, *, clock: int) -> NamedCells:
    called = call.called
    return {
        "business_date": call.business_date,
        **{name: called[name] for name in ("call", "account", "amount_cents", "seq")},
        "status": call.status,
        "remaining_cents": call.remaining_cents,
        "called_at": called["at"],
        "deadline": called["deadline"],
        "age_minutes": call.minutes(clock),
        "is_overdue": call.is_overdue(clock),
        "changed_at": call.changed_at,
    }


CALLS_REPORT: Final = ReportKind(
    name="calls",
    title="Margin calls",
    columns=(
        "business_date", "call", "member", "account", "status", "amount_cents", "remaining_cents",
        "called_at", "deadline", "age_minutes", "is_overdue", "changed_at", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "member", "account", "status", "amount_cents", "remaining_cents", "called_at",
            "deadline", "age_minutes", "is_overdue",
        )),
    ),
    is_as_of_now=True,
)  # fmt: skip
