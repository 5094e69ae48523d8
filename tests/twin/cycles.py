"""Cycles and closes of a market: prices, variation, final settlement (RULEBOOK 4)."""

from __future__ import annotations

from fractions import Fraction

from tests.twin.books import Contract, House, Market, Trade
from tests.twin.index import fix, to_ticks
from tests.twin.instants import MINUTE, last_trading_day, listed_months, symbol_of
from tests.twin.makers import score_makers
from tests.twin.margin import ABOVE_BAND_PPM, MILLION, rate
from tests.twin.positions import close_halts, legs, open_interest, positions
from tests.twin.words import Command

WINDOW = 5 * MINUTE
FAR = 1 << 63


def list_contracts(house: House, market: Market, at: int) -> None:
    """List the contracts that a session's opening adds (RULEBOOK 1)."""
    session = house.session()
    for contract in market.contracts.values():
        contract.reference = reference_now(contract)
    if session < market.listed_from:
        return
    for year, month in listed_months(session):
        symbol = symbol_of(market.product, year, month)
        if symbol in market.contracts:
            continue
        reference = first_reference(market, (year, month))
        last_day = last_trading_day(year, month)
        contract = Contract(symbol, (year, month), last_day, reference, mark=reference)
        contract.own_price = reference
        market.contracts[symbol] = contract
        house.state(
            "contract_listed/1", market.shard, at, contract=symbol, product=market.product,
            delivery=f"{year:04d}-{month:02d}", last_trading_day=last_day.isoformat(),
            reference_ticks=reference, business_date=session.isoformat(),
        )  # fmt: skip


def reference_now(contract: Contract) -> int | None:
    """Give the reference: the last settlement price, before any that of the listing."""
    return contract.settlements[-1] if contract.settlements else contract.reference


def first_reference(market: Market, month: tuple[int, int]) -> int | None:
    """Give the reference on listing: the nearest earlier settlement, else the last TPI."""
    earlier = [
        contract
        for contract in market.contracts.values()
        if contract.month < month and contract.settlements and not contract.is_settled
    ]
    if earlier:
        return max(earlier, key=lambda contract: contract.month).settlements[-1]
    if market.index.published:
        return to_ticks(market.index.published[-1][1])
    return None


def run_cycle(house: House, market: Market, command: Command) -> dict[str, int]:
    """Mark and pay within the day; give the variation by account (RULEBOOK 4)."""
    at, cycle = command["at"], command["cycle"]
    paid: dict[str, int] = {}
    for contract in market.live():
        trade = last_trade(contract, house, at)
        price = contract.mark if trade is None else trade.price
        is_paid = any(variation(contract, price).values())
        moved = price != contract.mark
        if price is not None and (moved or is_paid or positions(contract)):
            house.state(
                "cycle_price_set/1", market.shard, at, contract=contract.symbol,
                business_date=house.session().isoformat(), cycle=cycle, price_ticks=price,
            )  # fmt: skip
        settle_variation(house, market, contract, price, (cycle, at, paid))
    state_done(house, market, cycle, at)
    return paid


def close_market(house: House, market: Market, command: Command) -> dict[str, int]:
    """Close the session of a market; give the variation by account (RULEBOOK 4)."""
    at, paid = command["at"], dict[str, int]()
    fix_count = len(market.index.fixings)
    fix(house, market, at)
    fixing = market.index.fixings[-1] if len(market.index.fixings) > fix_count else None
    score_makers(house, market, at)
    for contract in market.live():
        close_halts(house, market, contract, at)
    final = [found for found in market.live() if found.last_day <= house.session()]
    by_tier = [found for found in market.live() if fixing is None or found not in final]
    prices = settlement_prices(house, by_tier, at)
    for contract in market.live():
        if contract in final:
            final_settlement(house, market, contract, (fixing, prices), (at, paid))
            continue
        price, tier = prices.get(contract.symbol, (None, 0))
        note_move(house, market, contract, price)
        if price is not None:
            contract.settlements.append(price)
            contract.own_price = price if tier else contract.own_price
            house.state(
                "settlement_price_set/1", market.shard, at, contract=contract.symbol,
                business_date=house.session().isoformat(), price_ticks=price, tier=tier,
                reference_ticks=contract.reference,
            )  # fmt: skip
        settle_variation(house, market, contract, price, ("close", at, paid))
        if price is not None:
            set_rate(house, market, contract, at)
    review(house, market, at)
    for contract in market.contracts.values():
        contract.quotes.clear()
        contract.quote_log.clear()
        contract.set_price = None
        carry_price(contract, house)
        contract.open_interest = open_interest(contract)
    state_done(house, market, "close", at)
    return paid


def note_move(house: House, market: Market, contract: Contract, price: int | None) -> None:
    """Note once a close whether the front month's move was beyond its margin (RULEBOOK 5)."""
    session = house.session()
    if price is None or not contract.is_rated or market.reviewed_on == session:
        return
    market.reviewed_on = session
    before = contract.settlements[-1]
    market.exceptions.append(MILLION * abs(price - before) > contract.rate_ppm * before)


def review(house: House, market: Market, at: int) -> None:
    """State a change of the Basel zone of the last 250 closes."""
    counted = market.exceptions[-250:]
    zone = "red" if sum(counted) > 9 else "yellow" if sum(counted) > 4 else "green"
    if zone != market.zone:
        house.state(
            "margin_model_reviewed/1", market.shard, at, product=market.product,
            business_date=house.session().isoformat(), model="paper", zone=zone,
            zone_before=market.zone, windows=len(counted), exceptions=sum(counted),
        )  # fmt: skip
    market.zone = zone


def carry_price(contract: Contract, house: House) -> None:
    """Keep the price of the session's latest trade, whenever executed, for want of any mark."""
    last = latest(session_trades(contract, house), FAR)
    if contract.mark is not None:
        contract.carried = None
    elif last is not None:
        contract.carried = last.price


def state_done(house: House, market: Market, cycle: str, at: int) -> None:
    """Say the market's last word in a cycle."""
    house.state(
        "cycle_done/1", market.shard, at, business_date=house.session().isoformat(), cycle=cycle
    )


def session_trades(contract: Contract, house: House) -> list[Trade]:
    """Give the trades that the stream brought in the open session, busts left out."""
    return [
        trade
        for trade in contract.trades
        if trade.session == house.session() and not trade.is_busted
    ]


def last_trade(contract: Contract, house: House, until: int) -> Trade | None:
    """Give the session's trade executed latest up to a time; ties: later in the stream.

    One executed before the session's opening makes no price.
    """
    on_time = [
        trade for trade in session_trades(contract, house) if trade.executed_at >= house.opened_at
    ]
    return latest(on_time, until)


def latest(trades: list[Trade], until: int) -> Trade | None:
    """Give the trade executed latest up to a time; ties: later in the stream."""
    found = None
    for trade in trades:
        if trade.executed_at <= until and (found is None or trade.executed_at >= found.executed_at):
            found = trade
    return found


def settlement_prices(
    house: House, contracts: list[Contract], close_at: int
) -> dict[str, tuple[int, int]]:
    """Give (settlement price, tier) by symbol; no entry where there is none (RULEBOOK 4)."""
    prices: dict[str, tuple[int, int]] = {}
    for contract in contracts:
        window = [
            trade
            for trade in session_trades(contract, house)
            if max(close_at - WINDOW, house.opened_at) <= trade.executed_at <= close_at
        ]
        trade = last_trade(contract, house, close_at)
        if trade is None and contract.reference is None and positions(contract):
            trade = latest(session_trades(contract, house), house.opened_at - 1)
        if contract.set_price is not None:
            prices[contract.symbol] = (contract.set_price, 0)
        elif window:
            prices[contract.symbol] = (weighted_mean(window, contract.reference), 1)
        elif trade is not None:
            prices[contract.symbol] = (clamp(contract, trade.price), 2)
    moved = [found for found in contracts if found.symbol in prices and found.reference is not None]
    for contract in contracts:
        if contract.symbol in prices or contract.reference is None:
            continue
        if moved:
            near = min(moved, key=lambda found: distance(contract, found))
            assert near.reference is not None
            change = prices[near.symbol][0] - near.reference
            prices[contract.symbol] = (max(1, contract.reference + change), 3)
        else:
            prices[contract.symbol] = (contract.reference, 4)
    return prices


def distance(contract: Contract, other: Contract) -> tuple[int, tuple[int, int]]:
    """Order by days between last trading days; equally near: the earlier one first."""
    return abs((contract.last_day - other.last_day).days), other.month


def weighted_mean(trades: list[Trade], reference: int | None) -> int:
    """Give the volume-weighted mean, to the nearest tick, a half towards the reference."""
    volume = sum(trade.lots for trade in trades)
    mean = Fraction(sum(trade.lots * trade.price for trade in trades), volume)
    down = mean.numerator // mean.denominator
    half = Fraction(1, 2)
    if mean - down == half:
        return down if reference is not None and reference <= down else down + 1
    return down if mean - down < half else down + 1


def clamp(contract: Contract, price: int) -> int:
    """Clamp to the standing best bid, then to the best offer."""
    bids = [quote.bid for quote in contract.quotes.values() if quote.bid is not None]
    asks = [quote.ask for quote in contract.quotes.values() if quote.ask is not None]
    if bids:
        price = max(price, *bids)
    if asks:
        price = min(price, *asks)
    return price


def variation(contract: Contract, price: int | None) -> dict[str, int]:
    """Give what every account gets when the contract is marked to a price.

    Carried lots from the last mark, others from their own price, and what adjustments of
    marked trades pay. Without any price nothing is marked, but when all trades were bust the
    contract gives back what its cycles paid.
    """
    sums: dict[str, int] = {}
    if price is None:
        is_all_bust = all(trade.is_busted for trade in contract.trades)
        return {name: -cents for name, cents in contract.paid.items()} if is_all_bust else {}
    for buyer, seller, cents in contract.adjustments:
        sums[buyer] = sums.get(buyer, 0) + cents
        sums[seller] = sums.get(seller, 0) - cents
    for account, lots, own in legs(contract):
        from_price = contract.mark if own is None else own
        assert from_price is not None
        sums[account] = sums.get(account, 0) + int(lots * (price - from_price))
    return sums


def settle_variation(
    house: House, market: Market, contract: Contract, price: int | None,
    cycle: tuple[str, int, dict[str, int]],
) -> None:  # fmt: skip
    """Pay variation: a fact for each account whose amount is not zero; then mark."""
    name, at, paid = cycle
    amounts = variation(contract, price)
    assert sum(amounts.values()) == 0, "variation sums to zero (RULEBOOK 9.2)"
    for account in sorted(amounts):
        if amounts[account] == 0:
            continue
        paid[account] = paid.get(account, 0) + amounts[account]
        contract.paid[account] = contract.paid.get(account, 0) + amounts[account]
        house.state(
            "variation_settled/1", market.shard, at, account=account, contract=contract.symbol,
            business_date=house.session().isoformat(), cycle=name,
            amount_cents=amounts[account],
        )  # fmt: skip
    if price is not None:
        mark(contract, price)
    elif name == "close" and all(trade.is_busted for trade in contract.trades):
        unmark(contract)


def mark(contract: Contract, price: int) -> None:
    """Mark everything that stands."""
    contract.mark = price
    contract.adjustments = []
    for trade in contract.trades:
        if trade.is_busted and trade.is_marked:
            trade.is_undoing_marked = True
        elif not trade.is_busted:
            trade.is_marked = True
    for transfer in contract.transfers:
        transfer.is_marked = True
    for takeover in contract.takeovers:
        takeover.is_marked = True


def unmark(contract: Contract) -> None:
    """Undo every mark: bust trades are nothing, transfers count from their own price again."""
    contract.mark = None
    contract.paid = {}
    contract.adjustments = []
    for trade in contract.trades:
        trade.is_marked = False
    for transfer in contract.transfers:
        transfer.is_marked = False
    for takeover in contract.takeovers:
        takeover.is_marked = False


def final_settlement(
    house: House, market: Market, contract: Contract,
    price_from: tuple[int | None, dict[str, tuple[int, int]]], cycle: tuple[int, dict[str, int]],
) -> None:  # fmt: skip
    """Settle a contract finally: at the fixing, else the day's settlement price."""
    (fixing, prices), (at, paid) = price_from, cycle
    if fixing is not None:
        price: int | None = to_ticks(fixing)
        source = "tpi_stale" if market.index.is_fixing_stale else "tpi_fixing"
    else:
        price, source = prices.get(contract.symbol, (contract.mark, 0))[0], "daily_settlement"
    last = latest(session_trades(contract, house), FAR)
    if price is None and last is not None:
        price = last.price
    elif price is None and not all(trade.is_busted for trade in contract.trades):
        price = contract.carried
    session = house.session().isoformat()
    note_move(house, market, contract, price)
    if price is not None:
        house.state(
            "contract_settled/1", market.shard, at, contract=contract.symbol,
            business_date=session, price_ticks=price, source=source,
        )  # fmt: skip
    settle_variation(house, market, contract, price, ("close", at, paid))
    for account, lots in positions(contract).items():
        house.state(
            "position_closed/1", market.shard, at, account=account, contract=contract.symbol,
            lots=lots,
        )  # fmt: skip
    contract.is_settled = True


def set_rate(house: House, market: Market, contract: Contract, at: int) -> None:
    """Record the margin rate of a contract with a settlement price (RULEBOOK 5)."""
    rate_ppm, sigma_ppm, source = rate(contract.settlements, market.index.fixings)
    contract.rate_ppm, contract.is_rated = rate_ppm, True
    session = house.session().isoformat()
    house.state(
        "margin_rate_set/1", market.shard, at, contract=contract.symbol, business_date=session,
        rate_ppm=rate_ppm, sigma_ppm=sigma_ppm, sigma_source=source,
        model="paper", evidence={}, fallback=None, paper_rate_ppm=rate_ppm,
    )  # fmt: skip
    if rate_ppm > ABOVE_BAND_PPM:
        house.state(
            "margin_rate_above_band/1", market.shard, at, contract=contract.symbol,
            business_date=session, rate_ppm=rate_ppm,
        )  # fmt: skip
