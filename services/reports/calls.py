"""Margin calls: those that are open now with what remains, or those of some dates.

In: the rows of `member/0`. Out: one row for each call, by deadline, as it stands now, or at the end
of the last date: whatever is open then, and what ended on the dates. One that was missed is shown
among the open ones of now until the next cycle, which calls again or not. The clock is that of
`member/0`: the greatest time that it accepted, or of its close; no wall clock.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from events.asset_facts import AssetMoved, AssetPriced, AssetWithdrawalPending
from events.fund_facts import FundMoved, FundWithdrawalPending
from events.member_facts import CashAdjusted, CollateralMoved, WithdrawalPending
from events.units import MINUTE_NS, parse_instant
from services.reports.filters import accounts_asked
from services.reports.kind import ReportKind
from services.reports.portings import Memberships
from services.reports.report import NamedCells, ReportFact, ReportRequest, TableLayout, fact_name
from services.reports.stored_row import StoredRow
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
    changed_on: date
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


def open_calls(
    view: JournalView, days: Sequence[date], *, accounts: Collection[str]
) -> Iterator[list[CallLife]]:
    """The calls open at the end of dates that follow each other; to be read one after the other."""
    calls: dict[str, CallLife] = {}
    for day in sorted({*days_of_open_calls(view, days[0]), *days}):
        _follow(calls, view, day=day, accounts=accounts)
        calls = {name: call for name, call in calls.items() if call.is_open}
        if day in days:
            yield [*calls.values()]


def days_of_open_calls(view: JournalView, until: date) -> list[date]:
    """The dates, up to one, on which a call that is open then can have been made."""
    sessions = [day for day in view.sessions() if day <= until]
    if not sessions:
        return []
    recent = [day for day in sessions if day >= sessions[-1] - _LOOK_BACK]
    return max(recent, sessions[-_SESSIONS_BACK:], key=len)


def clock_of_calls(view: JournalView, day: date, *, barriers: Sequence[StoredRow]) -> int:
    """The clock by which calls are missed at the end of a date: of its close, else that of now.

    barriers: of the date.
    """
    if barriers and day != view.control.business_date:
        return parse_instant(json.loads(barriers[-1].line)["at"])
    times = [
        parse_instant(fact["at"])
        for session in view.sessions()[-_SESSIONS_BACK:]
        for row in view.rows(MEMBER_SHARD, session, words=_CLOCK_MOVED)
        for fact in row.facts(*_CLOCK_MOVED)
    ]
    return max([view.control.clock or 0, *times])


def _follow(
    calls: dict[str, CallLife], view: JournalView, *, day: date, accounts: Collection[str] | None
) -> None:
    """Add the calls that a date made, and what became of those before them."""
    for row in view.rows(MEMBER_SHARD, day, words=(b"margin_call",)):
        for fact in row.facts(b"margin_call"):
            if accounts is None or fact["account"] in accounts:
                _note(calls, fact, day=day)


def _note(calls: dict[str, CallLife], fact: ReportFact, *, day: date) -> None:
    if fact["type"] == _CALLED:
        amount, at = fact["amount_cents"], fact["at"]
        calls[fact["call"]] = CallLife(day, fact, amount, day, at, fact["seq"])
    elif fact["call"] in calls:
        call = calls[fact["call"]]
        call.status = fact_name(fact["type"]).removeprefix(_STATUS)
        call.remaining_cents = fact["remaining_cents"]
        call.changed_on, call.changed_at, call.changed_seq = day, fact["at"], fact["seq"]


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    sessions = _sessions_asked(view, request)
    if not sessions:
        return
    accounts = accounts_asked(view, request)
    days = sorted({*days_of_open_calls(view, sessions[0]), *sessions})
    calls: dict[str, CallLife] = {}
    for day in days:
        _follow(calls, view, day=day, accounts=accounts)
    barriers = [*view.barriers(MEMBER_SHARD, sessions[-1])]
    clock = clock_of_calls(view, sessions[-1], barriers=barriers)
    had = Memberships(view, sessions[-1])
    last_cycle = _last_cycle(view, days) if request.given_date is None else None
    for call in sorted(calls.values(), key=_by_deadline):
        if last_cycle is None:
            is_asked = call.is_open or call.changed_on in sessions
        else:
            is_asked = call.is_open or (call.status == _MISSED and call.changed_seq > last_cycle)
        # A call goes with its account: it is the member's that has it at the end.
        account = view.control.accounts[call.called["account"]]
        member = had.within(account, sessions[-1], last=sessions[-1])[-1]
        if is_asked and request.options.get("member") in (None, member):
            yield {**_cells(call, clock=clock), "member": member}


def _sessions_asked(view: JournalView, request: ReportRequest) -> list[date]:
    """The sessions asked for; without a date the last one."""
    sessions = view.sessions()
    if request.given_date is None:
        return sessions[-1:]
    return [day for day in sessions if request.first_date <= day <= request.business_date]


def _by_deadline(call: CallLife) -> tuple[str, str]:
    return call.called["deadline"], call.called["call"]


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
