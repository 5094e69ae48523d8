"""Events of assets other than cash: terms, prices that jump, units to the boundary, adjustments."""

from __future__ import annotations

from fractions import Fraction

from tests.twin.instants import HOUR, MINUTE, print_instant
from tests.twin.script import Script
from tests.twin.words import INT64_MAX

ASSETS = ("BOND", "BILL", "GOLD")
MILLION = 1_000_000


def found_assets(script: Script) -> None:
    """Admit assets: two for the first session, sometimes one for a later one."""
    for asset in ASSETS[: script.rng.randint(2, 3)]:
        terms(script, asset)
    for asset in ASSETS:
        report(script, asset, Fraction(script.rng.randint(1, 5 * MILLION), MILLION))


def asset_event(script: Script) -> None:
    """Write one event of assets or an adjustment."""
    kind = script.weighted(
        {"bring": 8, "withdraw": 5, "price": 7, "jump": 4, "terms": 1, "adjust": 5}
    )
    if kind == "bring":
        bring(script)
    elif kind == "withdraw":
        withdraw(script)
    elif kind == "price":
        price(script)
    elif kind == "jump":
        jump(script)
    elif kind == "adjust":
        adjust(script)
    else:
        terms(script, script.pick((*ASSETS, "USD")))


def known(script: Script) -> str:
    """Pick an asset: mostly one in force."""
    return script.pick((*sorted(script.house.terms) * 4, *ASSETS, "NONE"))


def terms(script: Script, asset: str) -> None:
    """Set the terms of an asset; sometimes out of their range."""
    session = script.house.business_date
    day = "2020-01-01" if session is None else session.isoformat()
    script.send(
        "configure_asset/1", asset=asset,
        haircut_ppm=script.pick((0, 50_000, 123_457, MILLION, MILLION + script.pick((0, 1)))),
        share_ppm=script.pick((250_000, 500_000, 999_999, MILLION, MILLION, script.pick((0, -1)))),
        fresh_hours=script.pick((1, 6, 24, 24, 48, 8760, script.pick((0, 8761)))),
        effective_date=day, at=script.when(),
    )  # fmt: skip


def bring(script: Script) -> None:
    """Bring units: as many as a call asks for, a few, very many, none."""
    treasury = script.house.treasury
    account, asset = script.pick(script.accounts), known(script)
    count = script.pick((script.rng.randint(1, 10**9), script.rng.randint(1, 10**5), 1, 0))
    if treasury.calls and script.chance(0.5):
        account = script.pick(sorted(treasury.calls))
        last = treasury.prices.get(asset, (0, Fraction(1)))[1]
        needed = int(treasury.calls[account].remaining / (last * 100))
        count = min(INT64_MAX, max(0, needed) + script.pick((0, 1, -1)))
    elif script.chance(0.05):
        count = INT64_MAX - treasury.units.get((account, asset), 0) + script.pick((0, 1))
    script.send("deposit_asset/1", reference=script.name("u"),
                account=account if script.chance(0.97) else "GHOST", asset=asset,
                units=min(count, INT64_MAX), at=script.when())  # fmt: skip


def withdraw(script: Script) -> None:
    """Ask for units back: all that are there, one more, some."""
    units = {key: count for key, count in script.house.treasury.units.items() if count}
    account, asset = script.pick(sorted(units) or [(script.pick(script.accounts), "BOND")])
    there = units.get((account, asset), 0)
    count = script.pick((there, there + 1, there // 2, there // 10, 1, 0))
    script.send("withdraw_asset/1", reference=script.name("y"), account=account, asset=asset,
                units=min(count, INT64_MAX), at=script.when())  # fmt: skip


def price(script: Script) -> None:
    """Report a price near the last one, exactly at three times, or one that is none."""
    asset = known(script)
    last = script.house.treasury.prices.get(asset, (0, Fraction(1)))[1]
    near = last * Fraction(script.rng.randint(900_000, 1_100_000), MILLION)
    report(script, asset, script.pick((near, near, near, last * 3, last / 3, Fraction(0), -last)))


def jump(script: Script) -> None:
    """Report a price that jumps, or one that confirms it, in time or not, or not quite."""
    treasury = script.house.treasury
    asset = script.pick(sorted(treasury.prices) or list(ASSETS))
    last = treasury.prices.get(asset, (0, Fraction(1)))[1]
    if asset not in treasury.jumps or script.chance(0.2):
        factor = script.pick((Fraction(4), Fraction(1, 4), 3 + Fraction(1, MILLION)))
        report(script, asset, last * factor)
        return
    at, waiting = treasury.jumps[asset]
    factor = script.pick((Fraction(1), Fraction(1), Fraction(21, 20), Fraction(11, 10)))
    later = script.pick((script.now, at + HOUR, at + HOUR - 1, at + 59 * MINUTE))
    report(script, asset, waiting * factor, print_instant(max(later, script.now)))


def report(script: Script, asset: str, exact: Fraction, at: str | None = None) -> None:
    """Report a price in dollars, rounded down to a millionth; sometimes with one digit more."""
    micros = min(int(abs(exact) * MILLION), 10**17)
    sign = "-" if exact < 0 else ""
    text = f"{sign}{micros // MILLION}.{micros % MILLION:06d}"
    if script.chance(0.05):
        text += script.pick(("0", "1"))
    script.send("report_asset_price/1", asset=asset, price_usd=text, at=at or script.when())


def adjust(script: Script) -> None:
    """Move cash between two accounts: what is there, more, what a call asks for, nothing."""
    treasury = script.house.treasury
    payer, payee = script.rng.sample(script.accounts, 2)
    rich = sorted({account for (account, _), units in treasury.units.items() if units})
    payer = script.pick(rich) if rich and script.chance(0.5) else payer
    over = treasury.cash.get(payer, 0) + script.rng.randint(1, 500)
    cents = script.pick((script.rng.randint(1, 10**6), over, over, 0, -5))
    if treasury.calls and script.chance(0.4):
        payee = script.pick(sorted(treasury.calls))
        cents = treasury.calls[payee].remaining + script.pick((0, 0, -1))
    script.send(
        "adjust_cash/1", reference=script.name("j"), debit_account=payer,
        credit_account=payee if script.chance(0.96) else script.pick(("GHOST", payer)),
        amount_cents=min(cents, INT64_MAX), reason="wrong price", at=script.when(),
    )  # fmt: skip
