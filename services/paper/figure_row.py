"""A row of the comparison: what the paper prints, what follows, and one sentence why.

In: an estimate and its unit. Out: its text, with two digits of its error.
"""

from __future__ import annotations

from math import floor, isfinite, isnan, log10
from typing import Final, Literal, NamedTuple

from risk.monte_carlo import Estimate

Unit = Literal["$", "%", "months", "days a year", "×", ""]
# open: nothing is printed that could follow, or table 3 does not decide it.
Follows = Literal["yes", "no", "open"]

NOT_PRINTED: Final = "-"
# The paper has a figure, and nobody here has it.
NOT_KNOWN: Final = "not known"
# Of a parameter at the edge of its domain.
NO_ERROR: Final = "-"
_SCALES: Final[dict[str, float]] = {"%": 100.0}
_DECIMALS: Final[dict[str, int]] = {"$": 2, "%": 1, "months": 1}
_OTHER_DECIMALS: Final = 2
_DECIMALS_MAX: Final = 6
_ERRORS: Final = 3
_EXACT_PERCENT_DECIMALS: Final = 2


def agreement(ours: Estimate, printed: float) -> Follows:
    """Whether a printed figure lies within three standard errors of ours."""
    return "yes" if abs(ours.value - printed) <= _ERRORS * (ours.error or 0) else "no"


class PaperRow(NamedTuple):
    """A figure in one of its readings. paper: as printed, `-` where we know of no number."""

    figure: str
    reading: str
    paper: str
    estimate: Estimate
    unit: Unit
    follows: Follows
    why: str

    @property
    def ours(self) -> str:
        """Our figure with its unit."""
        number = self._text(self.estimate.value, self._decimals)
        return f"${number}" if self.unit == "$" else f"{number} {self.unit}".rstrip()

    @property
    def error(self) -> str:
        """Its standard error in the same unit; `exact` of what was not simulated; `-`: none."""
        error = self.estimate.error
        if error is not None and isnan(error):
            return NO_ERROR
        return "exact" if error is None else self._text(error, self._error_decimals(error))

    @property
    def _decimals(self) -> int:
        error = self.estimate.error
        usual = _DECIMALS.get(self.unit, _OTHER_DECIMALS)
        if error is None and self.unit == "%":
            return _EXACT_PERCENT_DECIMALS
        return usual if not error else max(usual, self._error_decimals(error) - 1)

    def _error_decimals(self, error: float) -> int:
        """As many as show two digits of an error."""
        scaled = error * self._scale
        if not scaled or not isfinite(scaled):
            return 0
        return min(_DECIMALS_MAX, max(0, 1 - floor(log10(scaled))))

    def _text(self, value: float, decimals: int) -> str:
        text = f"{value * self._scale:.{decimals}f}"
        return text.removeprefix("-") if not float(text) else text.replace("-", "−")

    @property
    def _scale(self) -> float:
        return _SCALES.get(self.unit, 1.0)
