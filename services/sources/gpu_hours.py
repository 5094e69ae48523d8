"""Converts hours of GPUs and their prices into Standard Compute Units, exactly (RULEBOOK §1).

In: texts of a row, and the table of GPUs in force at its time. Out: SCU and USD per SCU; of a trade
whole lots and ticks, or the row as it stands with what is wrong with it in place of the number:
such a row is refused as malformed by that name, and nothing is ever rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

from events.contracts import CENTS_PER_USD, PRODUCTS, product_of
from events.gpu_table import GPU_TABLE, scu_ppm_by_gpu
from events.units import PPM, parse_decimal, parse_instant, usd_text

GPU: Final = "gpu"
# The table of a product of compute at an instant: millionths of an SCU by GPU.
TableAt: TypeAlias = Callable[[str, int], Mapping[str, int]]


def default_table(product: str, at: int) -> Mapping[str, int]:
    """The table where none was ever configured."""
    del product, at
    return scu_ppm_by_gpu(GPU_TABLE)


def scu_of(hours: Decimal, scu_ppm: int) -> Fraction:
    """Hours of a GPU in SCU. scu_ppm: what an hour is."""
    return Fraction(hours) * scu_ppm / PPM


def usd_per_scu(usd_per_hour: Decimal, scu_ppm: int) -> Fraction:
    """A price of a GPU hour as a price of an SCU. scu_ppm: what an hour is, above 0."""
    return Fraction(usd_per_hour) * PPM / scu_ppm


def trade_in_scu(texts: Mapping[str, str], table_at: TableAt) -> dict[str, str]:
    """The fields of a trade of GPU hours as those of a trade of SCU.

    texts: with the GPU; `price` in USD an hour, `lots` in hours. What is no number, time or
    contract stands as it is: it makes no trade anyhow.
    """
    fields = {name: text for name, text in texts.items() if name != GPU}
    gpu, product = texts[GPU], PRODUCTS.get(product_of(texts.get("contract", "")))
    try:
        at = parse_instant(texts.get("executed_at", ""))
        price, hours = (parse_decimal(texts.get(name, "")) for name in ("price", "lots"))
    except ValueError:
        return fields
    if product is None:
        return fields
    if not product.is_compute:
        return fields | {"lots": f"{product.code} is not compute ({hours} h of {gpu})"}
    scu_ppm = table_at(product.code, at).get(gpu)
    if scu_ppm is None:
        return fields | {"lots": f"no GPU of the table ({hours} h of {gpu})"}
    lots = scu_of(hours, scu_ppm) / product.lot_units
    ticks = usd_per_scu(price, scu_ppm) * product.ticks_per_usd
    return fields | {
        "price": usd_text(ticks.numerator)
        if ticks.denominator == 1
        else f"{_shown(ticks / CENTS_PER_USD)} ({price} for {gpu})",
        "lots": str(lots) if lots.denominator == 1 else f"{_shown(lots)} ({hours} h of {gpu})",
    }


def _shown(exact: Fraction) -> str:
    """A number to six decimals, with dots behind them where it goes on."""
    millionths, beyond = divmod(abs(exact) * PPM, 1)
    whole, digits = divmod(int(millionths), PPM)
    text = f"{'-' if exact < 0 else ''}{whole}.{digits:06d}"
    return f"{text}.." if beyond else text.rstrip("0").rstrip(".")
