"""What exceptions say about a margin: tests, a zone, an interval and their power.

An exception is a window whose loss was beyond the rate. In: counts of exceptions and windows, or
whether each window was one, in order; the rate of exceptions that the model promises, 0.01 at 99 %.
Out: probabilities and rates as fractions. Floats live here: no fact is made of them.

The tests suppose that a window says nothing of the next, so give them windows that do not overlap.
For a clearinghouse only too many exceptions are a defect: p-values are of the upper side unless
they are called two-sided. A few hundred windows hardly tell 99 % from 98 %: see `power`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import erfc, exp, fsum, lgamma, log, log1p, sqrt
from typing import Final, Literal, NamedTuple

Zone = Literal["green", "yellow", "red"]

# The rate of exceptions of a margin at 99 % (RULEBOOK §5), and the size of the tests.
PROMISED: Final = 0.01
SIZE: Final = 0.05
# A count is yellow, or red, from where as many or fewer have at least this probability. Source:
# Basel Committee, Supervisory framework for the use of "backtesting", January 1996, table 2.
_YELLOW: Final = 0.95
_RED: Final = 0.9999
_CONFIDENCE: Final = 0.95
# Halvings of [0, 1]: beyond the digits of a float.
_HALVINGS: Final = 60


class LikelihoodRatio(NamedTuple):
    """A test. statistic: −2 ln of the ratio of likelihoods; p, two_sided_p: how likely as much."""

    statistic: float
    p: float
    two_sided_p: float


def kupiec(exceptions: int, windows: int, *, rate: float = PROMISED) -> LikelihoodRatio:
    """Proportion of failures. p: the upper side, by the signed root of the statistic.

    Source: Kupiec 1995, Techniques for Verifying the Accuracy of Risk Measurement Models, eq. 5.
    """
    if not windows:
        return LikelihoodRatio(0.0, 1.0, 1.0)
    seen = exceptions / windows
    free = _log_likelihood(exceptions, windows, rate=seen)
    statistic = max(0.0, 2 * (free - _log_likelihood(exceptions, windows, rate=rate)))
    two_sided = _chi2_tail(statistic, freedom=1)
    return LikelihoodRatio(
        statistic, two_sided / 2 if seen > rate else 1 - two_sided / 2, two_sided
    )


def christoffersen(breaches: Sequence[bool]) -> LikelihoodRatio:
    """Independence: whether an exception makes one in the next window more, or less, likely.

    Source: Christoffersen 1998, Evaluating Interval Forecasts, eq. 4.2; both sides, as printed.
    """
    calm, calm_windows = 0, 0
    after, after_windows = 0, 0
    for before, breach in pairwise(breaches):
        if before:
            after, after_windows = after + breach, after_windows + 1
        else:
            calm, calm_windows = calm + breach, calm_windows + 1
    together = _log_likelihood(calm + after, calm_windows + after_windows)
    apart = _log_likelihood(calm, calm_windows) + _log_likelihood(after, after_windows)
    statistic = max(0.0, 2 * (apart - together))
    p = _chi2_tail(statistic, freedom=1)
    return LikelihoodRatio(statistic, p, p)


def conditional_coverage(breaches: Sequence[bool], *, rate: float = PROMISED) -> LikelihoodRatio:
    """Both at once: the sum of the two statistics, two degrees of freedom.

    p: of the upper side: too few exceptions add nothing to the sum, whose law then is half that of
    one and half that of two degrees. Source: Christoffersen 1998, eq. 4.3; Self & Liang 1987, case
    5, for the side.
    """
    coverage = kupiec(sum(breaches), len(breaches), rate=rate)
    independence = christoffersen(breaches).statistic
    both = coverage.statistic + independence
    is_above = sum(breaches) > rate * len(breaches)
    upper = both if is_above else independence
    p = (_chi2_tail(upper, freedom=1) + _chi2_tail(upper, freedom=2)) / 2
    return LikelihoodRatio(both, p, _chi2_tail(both, freedom=2))


def zone(exceptions: int, windows: int) -> Zone:
    """The Basel zone of a count of exceptions at 99 %: of 250, yellow from 5 and red from 10.

    Of other numbers of windows by the same probabilities; none is green, however few the windows.
    """
    if not exceptions:
        return "green"
    as_many_or_fewer = 1 - binomial_tail(exceptions + 1, windows, rate=PROMISED)
    if as_many_or_fewer >= _RED:
        return "red"
    return "yellow" if as_many_or_fewer >= _YELLOW else "green"


def clopper_pearson(exceptions: int, windows: int) -> tuple[float, float]:
    """The interval of 95 % of the rate of exceptions; of no window all of [0, 1].

    Source: Clopper & Pearson 1934, The use of confidence or fiducial limits.
    """
    beyond = (1 - _CONFIDENCE) / 2
    low, high = 0.0, 1.0
    if exceptions > 0:
        low = _rate_with_tail(exceptions, windows, tail=beyond)
    if exceptions < windows:
        high = _rate_with_tail(exceptions + 1, windows, tail=1 - beyond)
    return low, high


def power(windows: int, *, rate: float) -> float:
    """How likely the upper side of Kupiec's test, at 5 %, sees a model whose rate is this one."""
    # The p-value falls as exceptions rise, so the first that is rejected bounds them all.
    first = next((x for x in range(windows + 1) if kupiec(x, windows).p < SIZE), windows + 1)
    return binomial_tail(first, windows, rate=rate)


def binomial_tail(count: int, windows: int, *, rate: float) -> float:
    """The probability of so many exceptions or more, each window one with probability `rate`."""
    if count <= 0:
        return 1.0
    if count > windows:
        return 0.0
    if rate in {0, 1}:
        return float(rate)
    if count > windows * rate:
        terms = _terms(range(count, windows + 1), windows, rate=rate)
        return min(1.0, fsum(terms))
    return max(0.0, 1 - fsum(_terms(range(count), windows, rate=rate)))


def _terms(counts: range, windows: int, *, rate: float) -> list[float]:
    """The probability of each count."""
    of_all = lgamma(windows + 1)
    return [
        exp(
            of_all
            - lgamma(count + 1)
            - lgamma(windows - count + 1)
            + count * log(rate)
            + (windows - count) * log1p(-rate)
        )
        for count in counts
    ]


def _rate_with_tail(count: int, windows: int, *, tail: float) -> float:
    """The rate at which so many or more exceptions have this probability; it rises with it."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if binomial_tail(count, windows, rate=middle) < tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _log_likelihood(exceptions: int, windows: int, *, rate: float | None = None) -> float:
    """Of the count at a rate, without rate at the one seen; 0 ln 0 is 0."""
    if rate is None:
        rate = exceptions / windows if windows else 0.0
    of_exceptions = exceptions * log(rate) if exceptions else 0.0
    of_others = (windows - exceptions) * log1p(-rate) if windows > exceptions else 0.0
    return of_exceptions + of_others


def _chi2_tail(statistic: float, *, freedom: Literal[1, 2]) -> float:
    """The probability that chi² with one or two degrees of freedom is beyond the statistic."""
    return erfc(sqrt(statistic / 2)) if freedom == 1 else exp(-statistic / 2)
