"""The default of a member, step by step, as a person of the clearinghouse commands it.

In: the day, and the book of facts as of the last close. Out: command lines. The member's house
missed a call and has another due; past that deadline the member is declared in default, and its
customers go to members that stand. The morning after, its house is auctioned and the settlement
ordered; the morning after that, the clearinghouse brings in anew what it lost of its capital.
Nothing of it is sent before the facts have come that far.
"""

from __future__ import annotations

from typing import Final

from services.demo.command_lines import SentLine, line
from services.demo.entries import MISSED
from services.demo.fact_book import FactBook
from services.demo.flow import Day
from services.demo.participants import (
    FAILING,
    FAILING_HOUSE,
    NEW_MEMBER,
    NEW_MEMBERS,
    OWN_CAPITAL_CENTS,
    TAKER,
)
from services.demo.treasury import fund_line

_DECLARED_AT: Final = (13, 30)
_PORTED_AT: Final = (15, 0)
_AUCTIONED_AT: Final = (10, 30)
_ORDERED_AT: Final = (10, 45)
# What the bidder wants for taking the position, of its worth.
_PAYMENT_PERCENT: Final = 2


def default_lines(day: Day, book: FactBook) -> list[SentLine]:
    """What the default asks for on a day; nothing on most."""
    story = book.defaults.get(FAILING)
    if story is None:
        return _declaration(day, book) if _misses_again(book) else []
    if story.ordered is None:
        return [*_auction(day, book), _order(day)]
    return _new_capital(day, book)


def _misses_again(book: FactBook) -> bool:
    """Whether the house missed a call before, and has one due today that it will not meet."""
    is_due = any(call.account == FAILING_HOUSE for call in book.open_calls)
    return is_due and any(call.account == FAILING_HOUSE for call in book.calls_that(MISSED))


def _declaration(day: Day, book: FactBook) -> list[SentLine]:
    """The member is in default, and each customer goes to another member."""
    reason = f"margin calls of {FAILING_HOUSE} missed twice"
    customers = sorted(
        name
        for name, account in book.accounts.items()
        if (account["member"], account["origin"]) == (FAILING, "customer")
    )
    declared = line("declare_default/1", day.at(*_DECLARED_AT), member=FAILING, reason=reason)
    return [
        declared,
        *(
            line(
                "port_account/1",
                day.at(_PORTED_AT[0], _PORTED_AT[1] + number),
                reference=f"PORT-{name}",
                account=name,
                to_member=NEW_MEMBERS.get(name, NEW_MEMBER),
            )
            for number, name in enumerate(customers)
        ),
    ]


def _auction(day: Day, book: FactBook) -> list[SentLine]:
    """The house's positions go to the bidder, who is paid a share of what they are worth."""
    worth_cents = 0
    for listed in (*book.listed("SIT"), *book.listed("SCU")):
        lots = abs(book.lots[FAILING_HOUSE, listed.contract])
        worth_cents += lots * (listed.reference_ticks or 0)
    return [
        line(
            "auction_account/1",
            day.at(*_AUCTIONED_AT),
            reference=f"AUCTION-{FAILING_HOUSE}",
            account=FAILING_HOUSE,
            to_account=TAKER,
            payment_cents=worth_cents * _PAYMENT_PERCENT // 100,
        )
    ]


def _order(day: Day) -> SentLine:
    return line("settle_default/1", day.at(*_ORDERED_AT), member=FAILING)


def _new_capital(day: Day, book: FactBook) -> list[SentLine]:
    """What the clearinghouse lost of its own capital, it brings in again."""
    lost_cents = OWN_CAPITAL_CENTS - book.fund.contributed_cents(None)
    moment = day.at(*_AUCTIONED_AT)
    bring = fund_line("contribute_fund/1", moment, member=None, cents=lost_cents)
    return [bring] if lost_cents else []
