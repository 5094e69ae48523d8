"""What chance gives to paths of the price model, from a generator with a seed.

In: a model, a NumPy generator, how many pairs and steps. Out: draws. The same generator in the same
state gives the same draws.
"""

from __future__ import annotations

import numpy as np

from risk.price_model import OutOfDomain, PriceModel
from risk.price_paths import Draws, Jumps

# Of all paths of a block; beyond it there would be no memory for them.
_JUMPS_MAX = 10**8


def draw(
    model: PriceModel, rng: np.random.Generator, *, pairs: int, steps: int, step_years: float
) -> Draws:
    """Normals and jumps of so many paths. Errors: OutOfDomain, where jumps are too many to hold.

    Jumps are a compound Poisson process: their number first, then each at a time of its own.
    """
    years = steps * step_years
    expected = model.jump_rate * years * pairs
    if expected > _JUMPS_MAX:
        msg = (
            f"jump_rate: expected at most {_JUMPS_MAX:,} jumps in {pairs:,} paths of {years:g} "
            f"years, found about {expected:,.0f}: the settings explode"
        )
        raise OutOfDomain(msg)
    counts = rng.poisson(model.jump_rate * years, pairs)
    paths = np.repeat(np.arange(pairs), counts)
    jumps = Jumps(
        paths,
        rng.random(paths.size) * years,
        rng.normal(model.jump_mean, model.jump_sd, paths.size),
    )
    return Draws(rng.standard_normal((steps, pairs)), jumps)
