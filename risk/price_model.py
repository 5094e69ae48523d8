"""The paper's price model: a log price drawn back to a moving level, with diffusion and jumps.

dX = κ(θₜ − X)dt + σdW + J dN, θₜ = θ₀ + βt + γ sin(2πt/T_season), J normal (eq. 11–12,
RULEBOOK §8). In: parameters and times in years. Out: the law of X at a later time, as far as it has
a closed form. Floats live here: no fact is made of them. Errors: OutOfDomain, by parameter.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite, log, pi
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Years: TypeAlias = float | FloatArray

MONTHS: Final = 12
_ABOVE_ZERO: Final = ("kappa", "season_years")
_NOT_NEGATIVE: Final = ("sigma", "jump_rate", "jump_sd")
# A mean jump of the price beyond e to this power is no float any more.
_MEAN_JUMP_MAX: Final = 700.0


class OutOfDomain(ValueError):
    """A parameter or a time for which there is no model; the message names it and its domain."""


@dataclass(frozen=True, slots=True)
class PriceModel:
    """Parameters, by the year. Errors: OutOfDomain.

    kappa: speed of return; theta: level of the log price at time 0, beta its trend, gamma its
    season's height and season_years its length; sigma: of the diffusion; jump_rate: λ; jump_mean,
    jump_sd: of a jump of the log price.
    """

    kappa: float
    theta: float
    beta: float
    gamma: float
    season_years: float
    sigma: float
    jump_rate: float
    jump_mean: float
    jump_sd: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isfinite(value):
                raise OutOfDomain(_expected(name, "a finite number", value=value))
            if name in _ABOVE_ZERO and value <= 0:
                raise OutOfDomain(_expected(name, "above 0", value=value))
            if name in _NOT_NEGATIVE and value < 0:
                raise OutOfDomain(_expected(name, "at least 0", value=value))
        exponent = self.jump_mean + self.jump_sd**2 / 2
        if exponent > _MEAN_JUMP_MAX:
            msg = _expected(
                "jump_mean + jump_sd²/2", f"at most {_MEAN_JUMP_MAX:.0f}", value=exponent
            )
            raise OutOfDomain(msg)

    @property
    def half_life_years(self) -> float:
        """In how many years half of a distance to the level is gone."""
        return log(2) / self.kappa

    @property
    def jump_square(self) -> float:
        """The mean of the square of a jump."""
        return self.jump_mean**2 + self.jump_sd**2

    @property
    def jump_cube(self) -> float:
        """The mean of the cube of a jump."""
        return self.jump_mean**3 + 3 * self.jump_mean * self.jump_sd**2


class LogLaw(NamedTuple):
    """Mean, variance and skewness of the log price at a later time. Arrays of one shape."""

    mean: FloatArray
    variance: FloatArray
    skewness: FloatArray


def log_law(model: PriceModel, log_price: Years, *, now: Years, later: Years) -> LogLaw:
    """The law of X at a time given its value now: closed form. Errors: OutOfDomain.

    By the cumulants of a compound Poisson process whose jumps decay: the n-th is λE[Jⁿ] times the
    integral of e^(−nκs). skewness: 0 where nothing is random.
    """
    years = years_between(now, later)
    weights = [_decayed(model, years, times=times) for times in (1, 2, 3)]
    mean = log_without_shocks(model, log_price, now=now, later=later)
    mean = mean + model.jump_rate * model.jump_mean * weights[0]
    variance = (model.sigma**2 + model.jump_rate * model.jump_square) * weights[1]
    third = model.jump_rate * model.jump_cube * weights[2]
    scale = np.where(variance > 0, variance, 1.0)
    return LogLaw(mean, variance, np.where(variance > 0, third / scale**1.5, 0.0))


def log_without_shocks(
    model: PriceModel, log_price: Years, *, now: Years, later: Years
) -> FloatArray:
    """Where X would be at a later time without diffusion and jumps; θ is integrated exactly."""
    years = years_between(now, later)
    gone = -np.expm1(-model.kappa * years)
    decay = 1 - gone
    trend = np.asarray(later) - np.asarray(now) * decay - gone / model.kappa
    season = _season(model, later) - _season(model, now) * decay
    return np.asarray(
        log_price * decay + model.theta * gone + model.beta * trend + model.gamma * season
    )


def years_between(now: Years, later: Years) -> FloatArray:
    """The time from one instant to another. Errors: OutOfDomain, if it is the earlier one."""
    years = np.asarray(later, dtype=np.float64) - np.asarray(now, dtype=np.float64)
    if not np.all(years >= 0):
        msg = _expected("T − t", "at least 0 years", value=float(years.min()))
        raise OutOfDomain(msg)
    return years


def check_finite(name: str, values: FloatArray) -> FloatArray:
    """The values. Errors: OutOfDomain, where settings explode beyond what a float holds."""
    if values.size and not isfinite(values.min() + values.max()):
        msg = f"{name}: expected finite numbers, found some beyond 1e308: the settings explode"
        raise OutOfDomain(msg)
    return values


def _decayed(model: PriceModel, years: FloatArray, *, times: int) -> FloatArray:
    """The integral of e^(−nκs) over the years."""
    speed = times * model.kappa
    return np.asarray(-np.expm1(-speed * years) / speed)


def _season(model: PriceModel, when: Years) -> FloatArray:
    """What X has of a season's sine of height 1 when it follows for ever: weaker and later."""
    turn = 2 * pi / model.season_years
    size = np.hypot(model.kappa, turn)
    lag = np.arctan2(turn, model.kappa)
    return np.asarray(model.kappa / size * np.sin(turn * np.asarray(when) - lag))


def _expected(name: str, domain: str, *, value: float) -> str:
    return f"{name}: expected {domain}, found {value:g}"
