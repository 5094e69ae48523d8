"""The Token Price Index, from the definition, anew each time (RULEBOOK 2)."""

from __future__ import annotations

from fractions import Fraction

from tests.twin.books import House, Index, Market
from tests.twin.instants import HOUR
from tests.twin.words import Command, fits, scores_of

THRESHOLDS = {"mmlu": Fraction(86), "humaneval": Fraction(67), "gsm8k": Fraction(92)}
VOLUMES = ("report_provider_volume/1", "report_provider_volumes/1")
FRESH = 36 * HOUR
HOLD = HOUR
MICROS = 1_000_000
PER_CENT_MAX = 100
Input = tuple[str, str, Fraction, Fraction, Fraction, Fraction]


def refuse_report(market: Market, command: Command) -> str | None:
    """Give the first reason against an index command, in WIRE's order of precedence."""
    index, kind = market.index, command["type"]
    model = (command.get("provider", ""), command.get("model", ""))
    if kind == "retire_model/1" and model not in index.scores:
        return "unknown_model"
    before = replaced_at(index, command)
    if before is not None and command["at"] < before:
        return "superseded"
    if kind == "report_provider_price/1":
        return refuse_price(index, command)
    if kind in VOLUMES and index.is_external:
        return "invalid_value"
    if kind in VOLUMES and any(one["tokens"] < 0 for one in volumes_of(command)):
        return "invalid_value"
    if kind == "report_capability/1":
        scores = scores_of(command).values()
        if index.is_external or not all(0 <= score <= PER_CENT_MAX for score in scores):
            return "invalid_value"
    if kind == "publish_index/1":
        if micros(command["value"]) < 1:
            return "invalid_value"
        if not index.is_external:
            return "index_not_external"
        if not fits(micros(command["value"])):
            return "amount_overflow"
    return None


def refuse_price(index: Index, command: Command) -> str | None:
    """Give the first reason against a price, after `superseded`."""
    if not is_qualified(index, (command["provider"], command["model"])):
        return "not_qualified"
    price = blend(command)
    if command["input_usd_per_mtok"] < 0 or command["output_usd_per_mtok"] < 0 or price == 0:
        return "price_invalid"
    return None if fits(micros(price)) else "amount_overflow"


def replaced_at(index: Index, command: Command) -> int | None:
    """Give the time of the report that this one would replace (of prices: the held one)."""
    kind = command["type"]
    model = (command.get("provider", ""), command.get("model", ""))
    if kind == "report_capability/1" and model in index.scores:
        return index.scores[model][0]
    if kind in VOLUMES:
        names = [one["provider"] for one in volumes_of(command)]
        return max(
            (index.volumes[name][0] for name in names if name in index.volumes), default=None
        )
    if kind == "report_provider_price/1" and model in index.held:
        return index.held[model][0]
    if kind == "report_provider_price/1" and model in index.prices:
        return index.prices[model][0]
    return index.external_at if kind == "publish_index/1" else None


def take_report(house: House, market: Market, command: Command) -> None:
    """Take an accepted index command into the books and publish what it changes."""
    move_clock(house, market, command["at"])
    index, kind, at = market.index, command["type"], command["at"]
    model = (command.get("provider", ""), command.get("model", ""))
    if kind == "report_capability/1":
        index.scores[model] = (at, scores_of(command))
    elif kind in VOLUMES:
        for one in volumes_of(command):
            index.volumes[one["provider"]] = (at, one["tokens"])
    elif kind == "retire_model/1":
        index.prices.pop(model, None)
        index.held.pop(model, None)
    elif kind == "report_provider_price/1":
        take_price(house, market, command)
    else:
        index.external_at = at
        publish(house, market, micros(command["value"]), None, [])
        return
    look(house, market)


def take_price(house: House, market: Market, command: Command) -> None:
    """Accept, hold or pass over a price (RULEBOOK 2, the hold)."""
    index, at, price = market.index, command["at"], blend(command)
    model = (command["provider"], command["model"])
    last = index.prices.get(model)
    if is_ordinary(index, model, price):
        index.prices[model] = (at, price)
        index.held.pop(model, None)
        return
    if model in index.held:
        held_at, held = index.held[model]
        if held * Fraction(95, 100) <= price <= held * Fraction(105, 100):
            if at >= held_at + HOLD:
                index.prices[model] = (at, price)
                del index.held[model]
            return
    index.held[model] = (at, price)
    house.state(
        "provider_price_held/1", market.shard, at, product=market.product, provider=model[0],
        model=model[1], last_price_micros=None if last is None else micros(last[1]),
        price_micros=micros(price),
    )  # fmt: skip


def is_ordinary(index: Index, model: tuple[str, str], price: Fraction) -> bool:
    """Tell whether a price is near the model's last, or a first one near the last value."""
    if model in index.prices:
        last, times = index.prices[model][1], 3
    elif index.published:
        last, times = Fraction(index.published[-1][1], MICROS), 100
        price = adjusted_price(index, model, price)
    else:
        return True
    return last / times <= price <= last * times


def volumes_of(command: Command) -> list[Command]:
    """Give the volumes of a report, one or several."""
    return [command] if command["type"] == "report_provider_volume/1" else command["volumes"]


def move_clock(house: House, market: Market, instant: int) -> None:
    """Move the shard's clock; expiries of freshness on the way, each at its own instant."""
    start = market.clock
    if start is not None and instant <= start:
        return
    expiries = {at + FRESH + 1 for at, _ in market.index.prices.values()}
    for expiry in sorted(expiries):
        if start is not None and start < expiry <= instant:
            market.clock = expiry
            look(house, market)
    market.clock = instant


def look(house: House, market: Market) -> None:
    """Compute the index at the shard's clock and publish it if it changed (RULEBOOK 2)."""
    index = market.index
    if index.is_external:
        return
    inputs = inputs_now(market)
    if inputs:
        value = sum((row[5] * row[3] for row in inputs), Fraction(0))
        publish(house, market, micros(value), ppm(cap_of(len(inputs))), inputs)
    elif index.published and not index.is_stale:
        assert market.clock is not None
        index.is_stale = True
        index.staleness.append((market.clock, True))
        index.inputs = None
        house.state(
            "index_stale/1", market.shard, market.clock, product=market.product,
            value_micros=index.published[-1][1], reason="no provider left",
        )  # fmt: skip


def publish(
    house: House, market: Market, value: int, cap_ppm: int | None, inputs: list[Input]
) -> None:
    """Publish a value that differs, or whose exact inputs differ, or that comes from outside."""
    index = market.index
    is_same = bool(index.published) and index.published[-1][1] == value
    if is_same and index.inputs == inputs and not index.is_external:
        return
    index.inputs = inputs
    index.is_stale = False
    assert market.clock is not None
    index.published.append((market.clock, value))
    index.staleness.append((market.clock, False))
    rows = [
        {
            "provider": provider, "model": model, "raw_price_micros": micros(raw),
            "adjusted_price_micros": micros(adjusted), "raw_weight_ppm": ppm(raw_weight),
            "weight_ppm": ppm(weight),
        }
        for provider, model, raw, adjusted, raw_weight, weight in inputs
    ]  # fmt: skip
    house.state(
        "index_published/1", market.shard, market.clock, product=market.product,
        value_micros=value, cap_ppm=cap_ppm, inputs=rows,
    )  # fmt: skip


def inputs_now(market: Market) -> list[Input]:
    """Give the exact inputs of the index at the clock, by provider name (eq. 4-6)."""
    index = market.index
    assert market.clock is not None
    best: dict[str, tuple[Fraction, str, Fraction]] = {}
    for (provider, model), (at, raw) in index.prices.items():
        volume = index.volumes.get(provider, (0, 0))[1]
        is_fresh = market.clock <= at + FRESH
        if volume > 0 and is_fresh and is_qualified(index, (provider, model)):
            offer = (adjusted_price(index, (provider, model), raw), model, raw)
            if provider not in best or offer[:2] < best[provider][:2]:
                best[provider] = offer
    total = sum(index.volumes[provider][1] for provider in best)
    shares = {name: Fraction(index.volumes[name][1], total) for name in sorted(best)}
    weights = capped(shares)
    return [
        (name, best[name][1], best[name][2], best[name][0], shares[name], weights[name])
        for name in sorted(best)
    ]


def is_qualified(index: Index, model: tuple[str, str]) -> bool:
    """Tell whether each published score reaches its threshold (none reported: no)."""
    if model not in index.scores:
        return False
    scores = index.scores[model][1]
    return all(score >= THRESHOLDS[name] for name, score in scores.items())


def adjusted_price(index: Index, model: tuple[str, str], raw: Fraction) -> Fraction:
    """Adjust a raw price by the capability: raw x S_SIT / S over the same benchmarks."""
    scores = index.scores[model][1]
    thresholds = sum((THRESHOLDS[name] for name in scores), Fraction(0))
    return raw * thresholds / sum(scores.values(), Fraction(0))


def cap_of(providers: int) -> Fraction:
    """Give the cap: 30 %; 40 % at three providers, 50 % at two, 100 % at one."""
    return {1: Fraction(1), 2: Fraction(1, 2), 3: Fraction(2, 5)}.get(providers, Fraction(3, 10))


def capped(shares: dict[str, Fraction]) -> dict[str, Fraction]:
    """Cap the weights: the excess to the uncapped, pro rata, again until none is above."""
    weights, cap = dict(shares), cap_of(len(shares))
    at_cap: list[str] = []
    while any(weight > cap for weight in weights.values()):
        excess = Fraction(0)
        for name, weight in weights.items():
            if weight > cap:
                excess += weight - cap
                weights[name] = cap
                at_cap.append(name)
        rest = [name for name in weights if name not in at_cap]
        total = sum((weights[name] for name in rest), Fraction(0))
        for name in rest:
            weights[name] += excess * weights[name] / total
    return weights


def fix(house: House, market: Market, close_at: int) -> None:
    """Fix the index at a close: the mean over the hour that ends there (RULEBOOK 2)."""
    index = market.index
    known = [(at, value) for at, value in index.published if at <= close_at]
    if not known:
        return
    is_stale = [stale for at, stale in index.staleness if at <= close_at][-1]
    if is_stale:
        value = known[-1][1]
    else:
        begin = max(close_at - HOUR, known[0][0])
        ends = [at for at, _ in known[1:]] + [close_at]
        area = 0
        for (at, micro), end in zip(known, ends, strict=True):
            area += micro * max(0, end - max(at, begin))
        value = round(Fraction(area, close_at - begin)) if close_at > begin else known[-1][1]
    index.fixings.append(value)
    index.is_fixing_stale = is_stale
    house.state(
        "index_fixed/1", market.shard, close_at, product=market.product,
        business_date=house.session().isoformat(), value_micros=value, stale=is_stale,
    )  # fmt: skip


def blend(command: Command) -> Fraction:
    """Give the raw price: (3 input + output) / 4."""
    price: Fraction = (3 * command["input_usd_per_mtok"] + command["output_usd_per_mtok"]) / 4
    return price


def micros(value: Fraction) -> int:
    """Round to a micro-dollar, half to even (Python's round of a Fraction)."""
    return round(value * MICROS)


def ppm(value: Fraction) -> int:
    """Round to a millionth, half to even."""
    return round(value * MICROS)


def to_ticks(value_micros: int) -> int:
    """Round an index value to the tick, half up, at least one tick (RULEBOOK 4)."""
    return max(1, (value_micros + 5_000) // 10_000)
