"""Seeded markets of several days: ordinary commands and hostile ones.

The generator lets the twin read each line and looks into its books, so that prices follow
the references, trades hit limits exactly and withdrawals meet the boundary. Same seed, same
bytes.
"""

from __future__ import annotations

from datetime import date, timedelta

from tests.by_paper import BY_PAPER
from tests.twin.events_assets import asset_event, found_assets
from tests.twin.events_defaults import default_event, found_fund
from tests.twin.events_index import configure, found_providers, index_event
from tests.twin.events_members import found_members, member_event
from tests.twin.events_spreads import spread
from tests.twin.events_trading import trading_event
from tests.twin.instants import DAY, HOUR, MINUTE, SECOND, is_weekday, midnight, print_instant
from tests.twin.script import Script
from tests.twin.spoil import dump

BOM = b"\xef\xbb\xbf"
MONDAYS = (date(2026, 6, 15), date(2026, 9, 14), date(2024, 6, 17), date(2026, 12, 14))
LONG = 8
CLOSE = 21 * HOUR
SHORT_CLOSE = 12 * HOUR  # Calls of the close before are open then.
WINDOW = 6 * MINUTE


def market(seed: int, days: int = 4) -> list[bytes]:
    """Give the command lines of a small market of several days around a third Wednesday."""
    script = written(seed, days)
    if script.chance(0.1):
        script.lines[0] = BOM + script.lines[0]
    return script.lines


def written(seed: int, days: int = 4) -> Script:
    """Give the whole script of a market: its lines, and the twin's facts after each of them.

    More than eight days are quieter days, so that volatilities come to be known.
    """
    script = Script(seed)
    first = script.pick(MONDAYS) + timedelta(days=script.pick((0, 0, 1, 2)))
    script.now = midnight(first) - 2 * HOUR
    script.put(dump(BY_PAPER))
    script.send("advance_clock/1", at=print_instant(script.now))
    found_members(script)
    found_providers(script)
    if script.has_assets:
        found_assets(script)
    if script.has_default:
        found_fund(script)
    if script.has_spreads:
        configure(script, "product_in_use", "SCU")
    before_the_session(script)
    is_quiet = script.chance(0.12)
    script.now = max(midnight(first) + 5 * MINUTE, script.house.clock or 0)
    first += timedelta(days=(script.now - midnight(first)) // DAY)
    while not is_weekday(first):
        first += timedelta(days=1)
    script.put(dump({
        "type": "open_session/1", "business_date": first.isoformat(),
        "at": print_instant(script.now),
    }))  # fmt: skip
    for _ in range(days):
        events = 12 if days > LONG else script.rng.randint(50, 90)
        is_short = script.has_default and script.chance(0.25)
        script.closing = SHORT_CLOSE if is_short else CLOSE
        trading_day(script, events, index_weight=1 if is_quiet else 22)
        close(script)
    return script


def before_the_session(script: Script) -> None:
    """Write a few commands that come before any session is open."""
    script.send(
        "submit_trade/1", trade_id="T1", contract="SITM26", price="2.00", lots=1,
        buyer="A-H", seller="B-H", executed_at=script.when(),
    )  # fmt: skip
    script.send("run_cycle/1", cycle="noon", at=script.when())
    if script.has_spreads:
        early = [("E1", "SITM26"), ("E2", "SITN26")]
        legs = [{"trade_id": name, "contract": contract, "price": "2.00", "lots": 1}
                for name, contract in early]  # fmt: skip
        script.send("submit_spread/1", reference="early", legs=legs, buyer="A-H", seller="B-H",
                    executed_at=script.when())  # fmt: skip
    script.send("halt_contract/1", contract="SITM26", until=None, reason="early", at=script.when())
    for _ in range(5):
        index_event(script)


def trading_day(script: Script, events: int, *, index_weight: int) -> None:
    """Write a day's events up to the close, many of them in its last minutes and just after.

    A small weight of index events lets the index grow stale.
    """
    session = script.house.session()
    start, end = max(script.now, midnight(session)), midnight(session) + script.closing
    last = max(4, events // 5)
    times = [script.rng.randint(start, max(start, end)) for _ in range(events)]
    times += [script.rng.randint(end - WINDOW, end) for _ in range(last)]
    times += [end, end - 5 * MINUTE, end - 5 * MINUTE - 1, end + 1, end + SECOND]
    cycles = sorted(script.rng.sample(range(events), script.rng.randint(1, 3)))
    for number, time in enumerate(sorted(times)):
        script.now = time
        if number in cycles:
            at = print_instant(time)
            script.send("run_cycle/1", cycle=f"cycle-{cycles.index(number)}", at=at)
        kind = script.weighted({"trading": 60, "index": index_weight, "member": 18})
        if kind == "trading" and script.has_spreads and script.chance(0.15):
            spread(script)
        elif kind == "trading":
            trading_event(script)
        elif kind == "index":
            index_event(script)
        elif script.has_default and script.chance(0.5):
            default_event(script)
        elif script.has_assets and script.chance(0.6):
            asset_event(script)
        else:
            member_event(script)


def close(script: Script) -> None:
    """Close the session: mostly in time and to the next weekday, sometimes late or further."""
    session = script.house.session()
    following = session + timedelta(days=script.pick((1,) * 8 + (2, 3)))
    while not is_weekday(following):
        following += timedelta(days=1)
    late = script.pick((0,) * 12 + (-1, 1, -3 * MINUTE, 90 * MINUTE, 20 * DAY))
    if late == 20 * DAY:
        late = 0 if script.chance(0.7) else (following - session).days * DAY
    run = [known["at"] for known, answer in script.house.cycles.values() if answer is None]
    earliest = max([script.house.opened_at, *run])
    script.now = midnight(session) + script.closing + late
    if script.now < earliest and script.chance(0.9):
        script.now = earliest
    script.send(
        "close_session/1", business_date=session.isoformat(),
        next_business_date=following.isoformat(), at=print_instant(script.now),
    )  # fmt: skip
    for _ in range(3):
        script.put(script.pick(script.lines[-60:]))
