"""Events of the index: reports of providers, ordinary and hostile."""

from __future__ import annotations

from tests.twin.instants import HOUR, print_instant
from tests.twin.script import Script, money
from tests.twin.words import INT64_MAX

SCORES_GOOD = ("86", "86.0", "90.1", "67", "92", "95", "100", "99.99")
SCORES = (*SCORES_GOOD, None, None, "85.999999", "66.9", "91.99", "0", "-0", "101", "-1")


def found_providers(script: Script) -> None:
    """Let three to six providers enter with models, scores, volumes and prices."""
    level = script.rng.randint(120, 400) * 100
    for number in range(script.rng.randint(3, 6)):
        for which in range(script.rng.randint(1, 3)):
            price = level * script.rng.randint(60, 160) // 100
            script.models[f"p{number}", f"m{which}"] = price
    for model in script.models:
        capability(script, model, is_good=True)
    for provider in sorted({provider for provider, _ in script.models}):
        volume(script, provider, script.rng.randint(1, 100))
    for model in script.models:
        price_report(script, model, script.models[model])


def index_event(script: Script) -> None:
    """Write one event of the index."""
    model = script.pick(list(script.models))
    price = script.models[model]
    kind = script.weighted(
        {"renew": 20, "move": 4, "jump": 2, "confirm": 3, "volume": 3, "capability": 2,
         "retire": 1, "bad": 2, "external": 4, "volumes": 2, "first": 1}
    )  # fmt: skip
    if kind == "renew":
        factor = script.pick((1000, 1000, 1000, 990, 1010, 970, 1030))
        price_report(script, model, price * factor // 1000)
    elif kind == "move":
        price_report(script, model, price * script.rng.randint(75, 130) // 100)
    elif kind == "jump":
        price_report(script, model, script.pick((price * 4, price // 4, price * 3, price * 3 + 1)))
    elif kind == "confirm":
        confirm(script, model)
    elif kind == "volume":
        tokens = script.pick((0, 1, 50, 100, 400, script.rng.randint(1, 100), -1, INT64_MAX))
        volume(script, model[0], tokens)
    elif kind == "capability":
        capability(script, model, is_good=script.chance(0.5))
    elif kind == "retire":
        name = script.pick((model[1], "ghost"))
        script.send("retire_model/1", product="SIT", provider=model[0], model=name,
                    at=script.when())  # fmt: skip
    elif kind == "bad":
        bad_price(script, model)
    elif kind == "volumes":
        volumes(script)
    elif kind == "first":
        first_price(script, model)
    else:
        external(script)


def price_report(script: Script, model: tuple[str, str], price: int, at: str = "") -> None:
    """Report a blend of about this price, in 1/10,000 USD."""
    price = max(1, min(price, 10**9))
    spread = script.pick((0, 0, price // 10))
    script.send(
        "report_provider_price/1", product="SIT", provider=model[0], model=model[1],
        input_usd_per_mtok=money(price - spread), output_usd_per_mtok=money(price + 3 * spread),
        at=at or script.when(),
    )  # fmt: skip
    last = script.house.markets["SIT"].index.prices.get(model)
    if last is not None:
        script.models[model] = max(1, int(last[1] * 10_000))


def confirm(script: Script, model: tuple[str, str]) -> None:
    """Repeat a held price about an hour later, about 5 % off; or repeat at the same time."""
    held = script.house.markets["SIT"].index.held
    if model not in held:
        candidates = sorted(held)
        if not candidates:
            return price_report(script, model, script.models[model])
        model = script.pick(candidates)
    at, price = held[model]
    later = script.pick((HOUR, HOUR, HOUR - 1, HOUR + 1, 2 * HOUR, 0, -1))
    percent = script.pick((100, 100, 105, 95, 106, 94))
    return price_report(
        script, model, int(price * 10_000) * percent // 100, print_instant(at + later)
    )


def volume(script: Script, provider: str, tokens: int) -> None:
    """Report a volume."""
    script.send("report_provider_volume/1", product="SIT", provider=provider, tokens=tokens,
                at=script.when())  # fmt: skip


def volumes(script: Script) -> None:
    """Report the volumes of several providers at once; now and then one is wrong."""
    names = sorted({provider for provider, _ in script.models})
    chosen = script.rng.sample(names, script.rng.randint(1, len(names)))
    if script.chance(0.05):
        chosen = script.pick(([], [chosen[0], chosen[0]]))
    script.send(
        "report_provider_volumes/1", product=script.pick(("SIT",) * 8 + ("SCU",)),
        volumes=[
            {"provider": name, "tokens": script.pick((0, 50, script.rng.randint(1, 100)))}
            for name in chosen
        ] + ([{"provider": "p9", "tokens": -1}] if script.chance(0.05) else []),
        at=script.when(),
    )  # fmt: skip


def first_price(script: Script, model: tuple[str, str]) -> None:
    """Retire a model, then report a first price: about x100 of the index, or in a wrong unit."""
    script.send("retire_model/1", product="SIT", provider=model[0], model=model[1],
                at=script.when())  # fmt: skip
    published = script.house.markets["SIT"].index.published
    level = published[-1][1] // 100 if published else script.models[model]
    far = script.pick((level * 100, level * 101, level // 100, level // 99, 1))
    price_report(script, model, far)
    if script.chance(0.5):
        price_report(script, model, script.models[model])


def capability(script: Script, model: tuple[str, str], *, is_good: bool) -> None:
    """Report scores: qualifying ones, or any."""
    scores = [script.pick(SCORES) for _ in range(3)]
    if is_good:
        scores = [script.pick(("86", "91.5")), script.pick(("67", "80", None)), "92.25"]
    script.send(
        "report_capability/1", product="SIT", provider=model[0], model=model[1],
        mmlu=scores[0], humaneval=scores[1], gsm8k=scores[2], at=script.when(),
    )  # fmt: skip


def bad_price(script: Script, model: tuple[str, str]) -> None:
    """Report a price that is wrong, of an unknown model, or of an unknown product."""
    prices = script.pick(
        (("0", "0"), ("-1", "9"), ("9", "-0.01"), ("-0", "0.0000"), ("0", "0.04"),
         ("999999999999999999", "1"), ("2.1", "2.1"))
    )  # fmt: skip
    product = script.pick(("SIT", "SIT", "SIT", "XYZ", "SCU"))
    name = script.pick((model[1], "ghost"))
    script.send(
        "report_provider_price/1", product=product, provider=model[0], model=name,
        input_usd_per_mtok=prices[0], output_usd_per_mtok=prices[1], at=script.when(),
    )  # fmt: skip


def external(script: Script) -> None:
    """Bring SCU into use, or publish its index (sometimes where that is not possible)."""
    if "SCU" not in script.house.markets and script.chance(0.3):
        configure(script, "product_in_use", "SCU")
    elif script.chance(0.1):
        configure(script, script.pick(("margin_alpha_x", "nonsense")), None)
    value = script.rng.randint(180, 230)
    script.send(
        "publish_index/1", product=script.pick(("SCU",) * 6 + ("SIT", "XYZ")),
        value=script.pick((money(value * 100),) * 5 + ("0", "-1", "2.0000005", "0.0000001")),
        at=script.when(),
    )  # fmt: skip


def configure(script: Script, parameter: str, product: str | None) -> None:
    """Configure something from the session's date on."""
    session = script.house.business_date
    day = "2020-01-01" if session is None else session.isoformat()
    script.send("configure/1", parameter=parameter, product=product, value="true",
                effective_date=day, at=script.when())  # fmt: skip
