"""The default fund on a date: contributions, requirements, calls, what moved (RULEBOOK §7).

In: the books of `member/0` at the last close before, its rows of each date. Out: for each date what
the fund had at its beginning and at its end, what was required at the close, every movement. A
member None is the clearinghouse with its own capital.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from events.control_commands import CLOSE_CYCLE
from events.default_facts import WaterfallApplied
from events.fund_facts import FundCalled, FundMoved, FundRequired, FundSized
from events.ledger_names import fund_of
from events.member_facts import Posting
from events.units import format_instant
from services.hosting.restore import shard_at
from services.reports.report import ReportFact, fact_name
from services.reports.view import JournalView
from services.shards.member.shard import MemberShard
from services.shards.routing import MEMBER_SHARD

_FUND, _POSTING = b"fund_", Posting.TYPE.encode()
_WATERFALL: Final = WaterfallApplied.TYPE.encode()
# What the waterfall takes and brings stands in postings with accounts of the fund.
_LEDGER: Final = (b'"fund:', f'"{fund_of(None)}"'.encode())
_WORDS: Final = (b'"' + _FUND, b'"' + _WATERFALL, *_LEDGER)
_CALL: Final = "fund_call_"
FUND_WATERFALL: Final = "fund_waterfall"
# The lines of what moved a contribution, or was said of a call.
FUND_MOVEMENTS: Final = (
    "fund_moved", "fund_withdrawal_pending", "fund_withdrawal_refused", FUND_WATERFALL,
    "fund_called", "fund_call_met", "fund_call_partly_met", "fund_call_raised", "fund_call_missed",
)  # fmt: skip


@dataclass(slots=True)
class FundCallLife:
    """A member's last call. amount_cents: what was called; None of one made before the dates."""

    call: str
    deadline: str
    remaining_cents: int
    amount_cents: int | None = None
    status: str = "open"

    @property
    def is_open(self) -> bool:
        """Whether it is neither met nor missed."""
        return self.status not in {"met", "missed"}


@dataclass(slots=True)
class Contributor:
    """A member, or the clearinghouse, and its part of the fund on a date.

    Law: opening, what came, what was paid out and the waterfall make the balance. required_cents:
    of the last close, None of who has no requirement; movements: facts and postings in order.
    """

    opening_cents: int = 0
    balance_cents: int = 0
    came_cents: int = 0
    paid_out_cents: int = 0
    waterfall_cents: int = 0
    required_cents: int | None = None
    call: FundCallLife | None = None
    movements: list[ReportFact] = field(default_factory=list)

    @property
    def lacking_cents(self) -> int:
        """What lacks to the requirement."""
        return max(0, (self.required_cents or 0) - self.balance_cents)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        amounts = (self.opening_cents, self.balance_cents, self.required_cents)
        return not (any(amounts) or self.call or self.movements)

    def begin_day(self) -> None:
        """Carry the balance, and the call that is open, to the next date."""
        self.opening_cents = self.balance_cents
        self.came_cents = self.paid_out_cents = self.waterfall_cents = 0
        self.movements = []
        if self.call is not None and not self.call.is_open:
            self.call = None


@dataclass(slots=True)
class FundDay:
    """The fund on a date. sized: of the date's close, None without one."""

    day: date
    contributors: dict[str | None, Contributor]
    sized: ReportFact | None = None

    def of(self, member: str | None) -> Contributor:
        """A member's part; of None the clearinghouse's."""
        return self.contributors.setdefault(member, Contributor())


def read_fund_days(view: JournalView, days: Sequence[date]) -> Iterator[FundDay]:
    """The fund on dates that follow each other; each is to be read before the next one."""
    if not days:
        return
    members = [*sorted(view.control.members), None]
    contributors, unclosed = _opening(view, days[0], members=members)
    for day in (*unclosed, *days):
        of_day = FundDay(day, contributors)
        for contributor in contributors.values():
            contributor.begin_day()
        for row in view.rows(MEMBER_SHARD, day, words=_WORDS):
            for fact in row.facts(_FUND, _POSTING, _WATERFALL, words=_WORDS):
                _fold(of_day, fact)
        if day in days:
            yield of_day


def _opening(
    view: JournalView, first: date, *, members: Sequence[str | None]
) -> tuple[dict[str | None, Contributor], list[date]]:
    """What there was after the last close before a date; the dates since then without a close."""
    unclosed = [] if first == date.min else [date.min]
    for day in reversed([day for day in view.sessions() if day < first]):
        closes = [row for row in view.barriers(MEMBER_SHARD, day) if row.cycle == CLOSE_CYCLE]
        if closes:
            shard = shard_at(view.reader, MEMBER_SHARD, until=closes[-1].seq)
            assert isinstance(shard, MemberShard), shard
            unclosed.remove(date.min)
            return {member: _contributor(shard, member) for member in members}, unclosed
        unclosed.insert(1, day)
    return {member: Contributor() for member in members}, unclosed


def _contributor(shard: MemberShard, member: str | None) -> Contributor:
    books = shard.books
    contributor = Contributor(balance_cents=books.fund_cents(member))
    if member is None:
        return contributor
    standing = books.control.members.get(member)
    if standing is not None and not standing.is_defaulted:
        contributor.required_cents = books.fund.required.get(member)
    call = books.fund.calls.get(member)
    if call is not None:
        deadline = format_instant(call.deadline_ns)
        contributor.call = FundCallLife(call.call, deadline, call.remaining_cents)
    return contributor


def _fold(of_day: FundDay, fact: ReportFact) -> None:
    kind = fact["type"]
    if kind == Posting.TYPE:
        _post(of_day, fact)
    elif kind == FundSized.TYPE:
        of_day.sized = fact
        for contributor in of_day.contributors.values():
            contributor.required_cents = None
    elif kind == FundRequired.TYPE:
        of_day.of(fact["member"]).required_cents = fact["required_cents"]
    elif kind != WaterfallApplied.TYPE:
        contributor = of_day.of(fact["member"])
        contributor.movements.append(fact)
        if kind == FundCalled.TYPE:
            amount = fact["amount_cents"]
            contributor.call = FundCallLife(fact["call"], fact["deadline"], amount, amount)
        elif contributor.call is not None and fact_name(kind).startswith(_CALL):
            contributor.call.status = fact_name(kind).removeprefix(_CALL)
            contributor.call.remaining_cents = fact["remaining_cents"]


def _post(of_day: FundDay, fact: ReportFact) -> None:
    """Add a posting to the contributions that it moves."""
    by_account = {fund_of(member): member for member in of_day.contributors}
    for side, sign in (("debit", -1), ("credit", 1)):
        if fact[side] not in by_account:
            continue
        member, cents = by_account[fact[side]], sign * fact["amount_cents"]
        contributor = of_day.of(member)
        contributor.balance_cents += cents
        if fact["for"] == FundMoved.TYPE:
            contributor.came_cents += max(0, cents)
            contributor.paid_out_cents += min(0, cents)
            continue
        contributor.waterfall_cents += cents
        moved = {**fact, "type": FUND_WATERFALL, "member": member, "amount_cents": cents}
        contributor.movements.append(moved)
