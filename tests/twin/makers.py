"""Market makers (RULEBOOK 6): designation, capital, and scores by looking at every instant."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from tests.twin.books import Contract, House, MakerQuote, Market
from tests.twin.instants import DAY
from tests.twin.positions import nearest
from tests.twin.words import SILENT, Command

CAPITAL_CENTS = 50_000_000 * 100
QUOTED = Fraction(80, 100)
LEAST_LOTS = 50
FRONT, BACK = Fraction(2, 100), Fraction(5, 100)


def refuse_maker(house: House, command: Command) -> str | None:
    """Tell why a designation, a release or a report of capital is refused."""
    kind = command["type"]
    if kind == "report_net_capital/1":
        if command["member"] not in house.members:
            return "unknown_member"
        return "invalid_value" if command["amount_cents"] < 0 else None
    account, product = command["account"], command["product"]
    known = house.makers.get((product, account))
    if kind == "designate_maker/1" and known is not None:
        return SILENT if known == command["at"] else "already_exists"
    if account not in house.accounts:
        return "unknown_account"
    if kind == "designate_maker/1" and house.is_defaulted(account):
        return "member_defaulted"
    if product not in house.markets:
        return "unknown_product"
    return "maker_unknown" if kind == "release_maker/1" and known is None else None


def book_maker(house: House, command: Command) -> None:
    """Designate, release, or note the capital."""
    if command["type"] == "report_net_capital/1":
        house.capital[command["member"]] = command["amount_cents"]
        return
    product, account = command["product"], command["account"]
    if command["type"] == "release_maker/1":
        del house.makers[product, account]
        return
    house.makers[product, account] = command["at"]
    for contract in house.markets[product].contracts.values():
        forget_all_but_standing(contract, account)


def forget_all_but_standing(contract: Contract, account: str) -> None:
    """Leave of an account's quotes the one that stands when its designation comes."""
    mine = [quote for quote in contract.quote_log if quote.account == account]
    last = mine[-1:] if mine and (mine[-1].bid or mine[-1].ask) else []
    others = [quote for quote in contract.quote_log if quote.account != account]
    contract.quote_log = others + last


def score_makers(house: House, market: Market, close_at: int) -> None:
    """State every maker's scores at a close, then what it missed."""
    makers = sorted(account for product, account in house.makers if product == market.product)
    session = house.session().isoformat()
    for account in makers:
        missed = []
        for contract in market.live():
            scored, quoted = score(house, market, contract, (account, close_at))
            is_met = quoted >= QUOTED * scored
            missed += [] if is_met else [contract.symbol]
            house.state(
                "maker_scored/1", market.shard, close_at, account=account,
                contract=contract.symbol, business_date=session, scored_ns=scored,
                quoted_ns=quoted, is_met=is_met,
            )  # fmt: skip
        capital = house.capital.get(house.accounts[account].member)
        told: list[tuple[str, list[str]]] = [("quoting", missed)] if missed else []
        if capital is None or capital < CAPITAL_CENTS:
            told.append(("net_capital", []))
        for obligation, contracts in told:
            house.state(
                "maker_obligation_missed/1", market.shard, close_at, account=account,
                product=market.product, business_date=session, obligation=obligation,
                contracts=contracts, net_capital_cents=capital,
            )  # fmt: skip


def score(
    house: House, market: Market, contract: Contract, maker: tuple[str, int]
) -> tuple[int, int]:
    """Give the nanoseconds scored and quoted: between edges nothing changes, so add them up."""
    account, close_at = maker
    begin = max(close_at - DAY, house.opened_at, house.makers[market.product, account])
    stands: list[tuple[int, MakerQuote]] = []
    for quote in contract.quote_log:
        if quote.account == account:
            stands.append((max(quote.at, stands[-1][0] if stands else quote.at), quote))
    ends = [(halt.start, close_at if halt.until is None else halt.until) for halt in contract.halts]
    edges = {begin, close_at, *(edge for pair in ends for edge in pair), *(at for at, _ in stands)}
    within = sorted(edge for edge in edges if begin <= edge <= close_at)
    scored = quoted = 0
    for first, last in pairwise(within):
        if any(start <= first < end for start, end in ends):
            continue
        scored += last - first
        now = [quote for at, quote in stands if at <= first][-1:]
        if now and is_kept(now[0], FRONT if contract is nearest(house, market) else BACK):
            quoted += last - first
    return scored, quoted


def is_kept(quote: MakerQuote, share: Fraction) -> bool:
    """Tell whether a quote has both sides, large and near enough."""
    if quote.bid is None or quote.ask is None or quote.lots < LEAST_LOTS:
        return False
    width = share * (quote.bid + quote.ask) / 2
    return quote.ask - quote.bid <= max(2, width.numerator // width.denominator)
