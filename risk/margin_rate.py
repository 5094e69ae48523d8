"""What a margin model is given and gives (RULEBOOK §5); the models stand in `margin_models`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class MarginParameters:
    """Parameters of eq. 7; configured.

    alpha_ppm: α. close_out_days: T, in trading days. floor_ppm: the least rate. band_ppm: a rate
    above it is an alert, not a clip.
    """

    alpha_ppm: int = 3_000_000
    close_out_days: int = 2
    floor_ppm: int = 80_000
    band_ppm: int = 120_000


class MarginRate(NamedTuple):
    """The initial margin of a lot in ppm of its price, and the volatility it was made from."""

    rate_ppm: int
    sigma_ppm: int | None
    sigma_source: Literal["contract", "tpi", "none"]


class MarginModel(Protocol):
    """What every model is: prices of a contract and of the index, newest last, give a rate."""

    def __call__(
        self,
        settlements: Sequence[int],
        fixings: Sequence[int],
        *,
        parameters: MarginParameters,
    ) -> MarginRate:
        """Give the rate for the next session."""
        ...


def is_above_band(rate: MarginRate, parameters: MarginParameters) -> bool:
    """Whether the rate asks for the alert `margin_rate_above_band`."""
    return rate.rate_ppm > parameters.band_ppm
