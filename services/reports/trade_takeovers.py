"""What a default makes of a trade: auctions that took its position over, the waterfall at its end.

In: the rows of a trade, its contract and accounts. Out: the rows of takeovers of its position with
their payments, and of waterfalls that paid for its accounts, each with the facts about it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Final

from events.default_commands import AuctionAccount
from events.default_facts import AccountAuctioned, PositionTakenOver, WaterfallApplied
from events.ledger_names import cash_of
from events.member_facts import Posting
from services.reports.report import ReportFact
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD

_AUCTION: Final = AuctionAccount.TYPE.encode()
_TAKEN: Final = PositionTakenOver.TYPE.encode()
_POSTING: Final = Posting.TYPE.encode()
_PAID: Final = AccountAuctioned.TYPE.encode()
_WATERFALL: Final = WaterfallApplied.TYPE.encode()

# A row, and those of its facts that are about the trade.
RowFacts = tuple[StoredRow, list[ReportFact]]


def takeovers(
    view: JournalView, novated: ReportFact, *, days: Sequence[date]
) -> Iterator[RowFacts]:
    """The auctions that moved the position of a trade since it was cleared, with what was paid."""
    holders = [novated["buyer"], novated["seller"]]
    for day in days:
        for row in view.copies(novated["shard"], day, types=(_AUCTION,)):
            moved = [
                fact
                for fact in row.facts(_TAKEN, naming=novated["contract"])
                if row.seq > novated["seq"] and fact["from_account"] in holders
            ]
            if moved:
                giver, taker = moved[0]["from_account"], moved[0]["to_account"]
                holders = [taker if name == giver else name for name in holders]
                yield row, moved
                yield from _payment(view, day, reference=moved[0]["reference"])


def _payment(view: JournalView, day: date, *, reference: str) -> list[RowFacts]:
    """The posting of an auction's payment, if there was any."""
    return [
        (row, facts)
        for row in view.copies(MEMBER_SHARD, day, types=(_AUCTION,))
        if (facts := [*row.facts(_POSTING, naming=reference, words=(_PAID,))])
    ]


def waterfalls(
    view: JournalView, accounts: Collection[str], *, days: Sequence[date]
) -> Iterator[RowFacts]:
    """The waterfalls in which one of these accounts was paid for, or paid."""
    owned = {cash_of(account) for account in accounts}
    for day in days:
        for row in view.rows(MEMBER_SHARD, day, words=(_WATERFALL,)):
            facts = list(row.facts(_WATERFALL, _POSTING, words=(_WATERFALL,)))
            defaulters = {
                fact["reference"]
                for fact in facts
                if fact["type"] == Posting.TYPE and owned & {fact["debit"], fact["credit"]}
            }
            about = [
                fact
                for fact in facts
                if (fact["type"] != Posting.TYPE and fact["member"] in defaulters)
                or owned & {fact.get("debit"), fact.get("credit")}
            ]
            if about:
                yield row, about
