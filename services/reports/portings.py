"""Which member an account belonged to: on a date, and at a row of `member/0` (RULEBOOK §7).

In: the members of now and the portings since a date, newest last. Out: the member of then. Where no
account was ever ported nothing is read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from operator import attrgetter
from typing import Final

from events.default_commands import PortAccount
from events.default_facts import AccountPorted
from services.reports.report import ReportFact
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from settlement.control_books import Account

_PORTED: Final = AccountPorted.TYPE.encode()
_COMMAND: Final = PortAccount.TYPE.encode()


@dataclass(frozen=True, slots=True)
class Porting:
    """An account that went over to another member. seq: the row of `member/0` that followed.

    ordered: the row of `control/0`.
    """

    business_date: date
    seq: int
    fact: ReportFact
    ordered: StoredRow


class Memberships:
    """The members of accounts since a date."""

    def __init__(self, view: JournalView, since: date) -> None:
        self._by_account: defaultdict[str, list[Porting]] = defaultdict(list)
        if any(account.opened_for for account in view.control.accounts_by_number):
            for porting in _portings(view, since):
                self._by_account[porting.fact["account"]].append(porting)

    @property
    def are_changed(self) -> bool:
        """Whether any account was ported."""
        return bool(self._by_account)

    def on(self, day: date) -> list[Porting]:
        """The portings of a date, in order."""
        every = chain.from_iterable(self._by_account.values())
        of_day = [porting for porting in every if porting.business_date == day]
        return sorted(of_day, key=attrgetter("seq"))

    def at_opening(self, account: Account, day: date) -> str:
        """The member that had an account when a date began."""
        for porting in self._by_account.get(account.name, ()):
            if porting.business_date >= day:
                return str(porting.fact["from_member"])
        return account.member.name

    def within(self, account: Account, first: date, *, last: date) -> list[str]:
        """The members that had an account between two dates, both in; the first of them first."""
        came = [
            str(porting.fact["to_member"])
            for porting in self._by_account.get(account.name, ())
            if first <= porting.business_date <= last
        ]
        return [self.at_opening(account, first), *came]


def rows_following(view: JournalView, row: StoredRow) -> dict[str, int]:
    """By shard the row that follows a command of `control/0`; in that shard the command's own."""
    command = row.command_type.encode()
    following = {
        shard: copy.seq
        for shard in view.shards()
        if shard != CONTROL_SHARD
        for copy in view.copies(shard, row.business_date, types=(command,))
        if copy.line == row.line
    }
    return {CONTROL_SHARD: row.seq, **following}


def _portings(view: JournalView, since: date) -> Sequence[Porting]:
    portings = []
    for day in [day for day in (date.min, *view.sessions()) if day >= since]:
        ordered = {
            fact["reference"]: (fact, row)
            for row in view.rows(CONTROL_SHARD, day, words=(_PORTED,))
            for fact in row.facts(_PORTED)
        }
        for row in view.copies(MEMBER_SHARD, day, types=(_COMMAND,)):
            reference = json.loads(row.line)["reference"]
            if reference in ordered:
                portings.append(Porting(day, row.seq, *ordered[reference]))
    return portings
