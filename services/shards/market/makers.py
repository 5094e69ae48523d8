"""Market makers in a market: their quotes are followed, and scored at each close (RULEBOOK §6).

In: quotes and lapses of accounts that are designated, from the designation on; the close. Out:
`maker_scored` and `maker_obligation_missed`. What others quote is not followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from events.control_commands import CloseSession
from events.int64 import IntArray
from events.market_facts import MakerObligationMissed, MakerScored
from events.quoted_texts import Numbers
from events.units import DAY_NS
from risk.makers import QuotedTime, QuoteRule, ScoredTime, is_quoting_met
from services.shards.market.books import (
    ContractBooks,
    MarketBooks,
    MarketEmission,
    front_contract,
    in_order,
)
from settlement.quotes import Quote


def makers_of(books: MarketBooks) -> Mapping[str, int]:
    """The designated makers of the product, and when each was designated."""
    return books.control.makers.get(books.product.code, {})


def set_quote(books: MarketBooks, contract: ContractBooks, *, maker: str, quote: Quote) -> None:
    """Let a quote replace its maker's one before; follow it if the account is designated."""
    contract.quotes.set(maker, quote)
    if maker in makers_of(books):
        follow_quote(books, contract, maker=maker, quote=quote)


def set_quotes(
    books: MarketBooks, quotes: Iterable[Quote], *, contract: IntArray, maker: IntArray
) -> None:
    """The same for quotes in their order. contract, maker: their numbers, of each quote."""
    contracts, accounts = [*books.contracts.values()], books.control.accounts_by_number
    numbers = zip(contract.tolist(), maker.tolist(), strict=True)
    for (number, account), quote in zip(numbers, quotes, strict=True):
        set_quote(books, contracts[number], maker=accounts[account].name, quote=quote)


def follow_quote(books: MarketBooks, contract: ContractBooks, *, maker: str, quote: Quote) -> None:
    """Follow a quote of a designated maker; without sides for a lapse."""
    quoted = contract.quoted.get(maker)
    if quoted is None:
        rule = _quote_rule(books, contract)
        quoted = contract.quoted[maker] = QuotedTime(rule, quote.at)
    lots = min(quote.bid_lots or 0, quote.ask_lots or 0)
    is_kept = quoted.rule.is_kept_by(quote.bid_ticks, quote.ask_ticks, lots=lots)
    quoted.follow(quote.at, is_kept=is_kept)


def rows_that_count(books: MarketBooks, *, contract: IntArray, maker: IntArray) -> Numbers:
    """Which quotes of a run must be set, in their order.

    The last of each maker in a contract, which is the one to stand, and all of designated makers,
    which are followed. contract, maker: their numbers, of each quote.
    """
    counts = np.zeros(len(maker), np.bool_)
    pairs = contract * len(books.control.accounts_by_number) + maker
    _, last = np.unique(pairs[::-1], return_index=True)
    counts[len(maker) - 1 - last] = True
    designated = [books.control.accounts[name].number for name in makers_of(books)]
    if designated:
        counts |= np.isin(maker, designated)
    return np.flatnonzero(counts)


def lapse_quotes(books: MarketBooks, maker: str, *, at: int) -> None:
    """Remove the account's quotes in all contracts; a lapse counts as a quote without sides."""
    for contract in books.contracts.values():
        contract.quotes.lapse(maker)
        if maker in makers_of(books):
            follow_quote(books, contract, maker=maker, quote=Quote(None, None, None, None, at))


def begin_following(books: MarketBooks, maker: str) -> None:
    """Follow an account that was designated, first the quotes that it has standing."""
    for contract in books.contracts.values():
        quote = contract.quotes.by_maker.get(maker)
        if quote is not None:
            follow_quote(books, contract, maker=maker, quote=quote)


def end_following(books: MarketBooks, maker: str) -> None:
    """Forget what an account quoted that was released."""
    for contract in books.contracts.values():
        contract.quoted.pop(maker, None)


def _quote_rule(books: MarketBooks, contract: ContractBooks) -> QuoteRule:
    """What is asked of quotes in a contract in this session."""
    parameter = books.control.parameters_of(books.product.code)
    is_front = contract is front_contract(books)
    spread_ppm = parameter("maker_front_spread_ppm" if is_front else "maker_back_spread_ppm")
    return QuoteRule(spread_ppm, parameter("maker_lots"))


def state_scores(books: MarketBooks, command: CloseSession, *, emit: MarketEmission) -> None:
    """State what each maker has quoted in each listed contract, then what obligations it missed."""
    missed: dict[str, list[str]] = {}
    for maker, designated_at in sorted(makers_of(books).items()):
        scores = [
            _score(books, contract, command=command, maker=(maker, designated_at))
            for contract in in_order(books)
        ]
        for score in scores:
            emit(score)
        missed[maker] = [score.contract for score in scores if not score.is_met]
    for maker, contracts in missed.items():
        _state_missed(books, maker, contracts=contracts, command=command, emit=emit)


def _score(
    books: MarketBooks, contract: ContractBooks, *, command: CloseSession, maker: tuple[str, int]
) -> MakerScored:
    """A maker's score in a contract. maker: its account, and when it was designated.

    A contract is listed at the opening of a session, so no window begins before its listing.
    """
    account, designated_at = maker
    begin = max(command.at - DAY_NS, books.control.opened_at, designated_at)
    halts = [(halt.from_ns, halt.until_at_close(command.at)) for halt in contract.halts.halts]
    scored = ScoredTime.between(begin, command.at, halts=halts)
    quoted = contract.quoted.get(account)
    quoted_ns = 0 if quoted is None else scored.within(quoted.spans(command.at))
    least_ppm = books.control.parameter("maker_quoted_ppm", books.product.code)
    return MakerScored(
        at=command.at,
        account=account,
        contract=contract.symbol,
        business_date=command.business_date,
        scored_ns=scored.total_ns,
        quoted_ns=quoted_ns,
        is_met=is_quoting_met(quoted_ns, scored.total_ns, least_ppm=least_ppm),
    )


def _state_missed(
    books: MarketBooks,
    maker: str,
    *,
    contracts: list[str],
    command: CloseSession,
    emit: MarketEmission,
) -> None:
    control, product = books.control, books.product.code
    capital = control.net_capital.get(control.accounts[maker].member.name)
    is_too_small = capital is None or capital < control.parameter("maker_capital_cents", product)
    obligations: list[tuple[Literal["quoting", "net_capital"], list[str]]] = []
    if contracts:
        obligations.append(("quoting", contracts))
    if is_too_small:
        obligations.append(("net_capital", []))
    for obligation, named in obligations:
        emit(
            MakerObligationMissed(
                at=command.at,
                account=maker,
                product=product,
                business_date=command.business_date,
                obligation=obligation,
                contracts=tuple(named),
                net_capital_cents=capital,
            )
        )
