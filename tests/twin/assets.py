"""Assets other than cash: terms, prices, units, what they count for (RULEBOOK 5)."""

from __future__ import annotations

from fractions import Fraction

from tests.twin.books import House
from tests.twin.instants import HOUR, MINUTE
from tests.twin.words import INT64_MAX, Command, fits

SHARD = "member/0"
MILLION = 1_000_000
RANGES = {"haircut_ppm": (0, MILLION), "share_ppm": (0, MILLION), "fresh_hours": (1, 8760)}


def refuse_terms(command: Command) -> str | None:
    """Tell why terms of an asset are refused: cash has none, and each has its range."""
    is_fine = all(least <= command[name] <= most for name, (least, most) in RANGES.items())
    return None if is_fine and command["asset"] != "USD" else "invalid_value"


def begin_terms(house: House) -> None:
    """Put in force what falls due with the session that opens, by date, then as it came."""
    due = [found for found in house.waiting if found["effective_date"] <= house.session()]
    for command in sorted(due, key=lambda found: found["effective_date"]):
        if "asset" in command:
            house.terms[command["asset"]] = command
        else:
            house.settings[command["parameter"]] = int(command["value"])
    house.waiting = [found for found in house.waiting if found not in due]


def refuse_price(house: House, command: Command) -> str | None:
    """Tell why the price of an asset is refused; remember one that jumps."""
    asset, price, at = command["asset"], command["price_usd"], command["at"]
    treasury = house.treasury
    if asset not in house.terms:
        return "unknown_asset"
    last_at, last = treasury.prices.get(asset, (at, price))
    if at < last_at:
        return "superseded"
    if price <= 0 or (price * MILLION).denominator != 1:
        return "price_invalid"
    if not Fraction(1, 3) * last <= price <= 3 * last:
        held_at, held = treasury.jumps.get(asset, (at, Fraction(0)))
        is_like = held * Fraction(95, 100) <= price <= held * Fraction(105, 100)
        if not is_like:
            treasury.jumps[asset] = (at, price)
        if not is_like or at < held_at + 60 * MINUTE:
            return "price_invalid"
    return None if fits(int(price * MILLION)) else "amount_overflow"


def take_price(house: House, command: Command) -> None:
    """Take an asset's price; no jump waits any longer, and staleness begins anew."""
    treasury, asset = house.treasury, command["asset"]
    treasury.prices[asset] = (command["at"], command["price_usd"])
    treasury.jumps.pop(asset, None)
    treasury.stale.discard(asset)
    house.state("asset_priced/1", SHARD, command["at"], **named(house, asset))


def named(house: House, asset: str) -> Command:
    """Give an asset and its price in millionths of a dollar."""
    return {"asset": asset, "price_micros": int(house.treasury.prices[asset][1] * MILLION)}


def is_stale(house: House, asset: str, at: int) -> bool:
    """Tell whether a price is older than its terms allow."""
    age = at - house.treasury.prices[asset][0]
    return age > int(house.terms[asset]["fresh_hours"]) * HOUR


def look_at_prices(house: House, at: int) -> None:
    """State at a cycle which prices have become stale."""
    treasury = house.treasury
    for asset in sorted(treasury.prices):
        if not is_stale(house, asset, at):
            treasury.stale.discard(asset)
        elif asset not in treasury.stale:
            treasury.stale.add(asset)
            house.state("asset_stale/1", SHARD, at, **named(house, asset))


def collateral(house: House, account: str, at: int, less: Command | None = None) -> int:
    """Give what an account's assets count for; less: without the units that it names."""
    treasury, total = house.treasury, 0
    initial = treasury.initial.get(account, 0)
    for (owner, asset), units in treasury.units.items():
        if owner != account or asset not in treasury.prices or is_stale(house, asset, at):
            continue
        terms = house.terms[asset]
        left = units - (less["units"] if less is not None and less["asset"] == asset else 0)
        cents = left * treasury.prices[asset][1] * 100 * (MILLION - terms["haircut_ppm"]) / MILLION
        most = Fraction(initial * terms["share_ppm"], MILLION)
        total += min(int(cents), int(most))
    return min(total, INT64_MAX - max(0, treasury.cash.get(account, 0)))


def equity(house: House, account: str, at: int) -> int:
    """Give an account's equity: its cash and what its assets count for."""
    return house.treasury.cash.get(account, 0) + collateral(house, account, at)
