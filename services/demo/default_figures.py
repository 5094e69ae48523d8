"""A default as the page and the summary tell it: its steps, who paid, what its customers kept.

In: the book of facts and the story of a default. Out: rows of words, times as stated, cents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from services.demo.default_story import DefaultStory
from services.demo.entries import MET, MISSED, ZERO, CallHistory, Shortfall
from services.demo.fact_book import FactBook


class DefaultStep(NamedTuple):
    """A step of a default. cents: None where no money is told."""

    at: str
    what: str
    cents: int | None = None


def default_steps(book: FactBook, story: DefaultStory) -> list[DefaultStep]:
    """What happened in the order of time, from the first call that was missed."""
    steps = [
        *_missed(book, story),
        *_under_water(book, story),
        DefaultStep(story.declared["at"], f"{story.member} in default: {story.declared['reason']}"),
        *_ported(story),
        *_closed_out(story),
        *_fund_afterwards(book, story),
    ]
    return sorted(steps, key=lambda step: step.at)


def shortfalls_of(book: FactBook, story: DefaultStory) -> list[Shortfall]:
    """When the accounts that stayed with the member were under water."""
    accounts = _accounts_of(book, story)
    return [s for s in book.shortfalls if s.mark == ZERO and s.account in accounts]


def layers_paid(story: DefaultStory) -> Counter[str]:
    """What each layer paid of the loss, in the order of paying; empty before the waterfall."""
    paid = Counter[str]()
    for layer in story.waterfall["layers"] if story.waterfall else []:
        paid[layer["layer"]] += layer["amount_cents"]
    return paid


def _accounts_of(book: FactBook, story: DefaultStory) -> set[str]:
    return {name for name, account in book.accounts.items() if account["member"] == story.member}


def _missed(book: FactBook, story: DefaultStory) -> Iterator[DefaultStep]:
    accounts = _accounts_of(book, story)
    for call in book.calls_that(MISSED):
        if call.account in accounts:
            yield _missed_step(call, "margin call")
    for call in book.fund.calls.values():
        if (call.account, call.outcome) == (story.member, MISSED):
            yield _missed_step(call, "fund call")


def _missed_step(call: CallHistory, kind: str) -> DefaultStep:
    what = f"{call.account} misses the {kind} of {call.day}, {call.cycle}"
    return DefaultStep(call.deadline, what, call.remaining_cents)


def _under_water(book: FactBook, story: DefaultStory) -> Iterator[DefaultStep]:
    for spell in shortfalls_of(book, story):
        yield DefaultStep(spell.at, f"{spell.account} under water; at worst by", spell.worst_cents)


def _ported(story: DefaultStory) -> Iterator[DefaultStep]:
    """One step for all customers that went to one member."""
    for member in dict.fromkeys(account.to_member for account in story.ported):
        accounts = [account for account in story.ported if account.to_member == member]
        names = f"{len(accounts)} customers" if accounts[1:] else accounts[0].account
        cents = sum(account.cash_cents for account in accounts)
        yield DefaultStep(accounts[-1].at, f"{names} ported to {member}, with cash of", cents)


def _closed_out(story: DefaultStory) -> Iterator[DefaultStep]:
    for fact in story.auctions:
        positions = ", ".join(
            f"{position['lots']:,} lots of {position['contract']}"
            for position in story.taken_over
            if position["reference"] == fact["reference"]
        )
        given = f"{fact['account']} auctioned: {positions or 'no lots'}"
        what = f"{given}; {fact['to_account']} is paid"
        yield DefaultStep(fact["at"], what, fact["payment_cents"])
    if story.ordered is not None:
        yield DefaultStep(story.ordered["at"], "settlement of the default ordered")
    if story.waterfall is not None:
        cents = story.waterfall["loss_cents"]
        yield DefaultStep(story.waterfall["at"], "waterfall applied to a loss of", cents)


def _fund_afterwards(book: FactBook, story: DefaultStory) -> Iterator[DefaultStep]:
    """The first fund calls after the waterfall, and when the last of them was met."""
    if story.waterfall is None:
        return
    closes = book.fund.days.items()
    days = [(day, close) for day, close in closes if close.at > story.waterfall["at"]]
    for day, close in days[:1]:
        calls = [call for call in book.fund.calls.values() if call.day == day]
        met = [call for call in calls if call.outcome == MET]
        last = max((call.changed_at for call in met), default="")
        for at, what, chosen in ((close.at, "called from", calls), (last, "calls met by", met)):
            cents = sum(call.amount_cents for call in chosen)
            if chosen:
                names = ", ".join(call.account for call in chosen)
                yield DefaultStep(at, f"fund {what} {names}", cents)
