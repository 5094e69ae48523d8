"""Back-tests: figures of windows by hand, and rates that know nothing of the days after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.parameters import PARAMETERS
from risk.backtest import (
    IndexSeries,
    MarginSide,
    Rates,
    Window,
    rates_of,
    review,
    review_sides,
    windows_of,
)
from risk.exception_tests import power
from risk.margin import ContractHistory, Holding, MarginModel, Measure, Requirement, rate
from risk.margin_models import MODELS, PAPER

FIRST = date(2026, 1, 1)
SETTINGS = {"margin_alpha_ppm": 3_000_000, "margin_days": 2, "margin_floor_ppm": 80_000}


def days(count: int) -> list[date]:
    return [FIRST + timedelta(number) for number in range(count)]


def prices(*dollars: float) -> IndexSeries:
    return IndexSeries(days(len(dollars)), [round(price * 1_000_000) for price in dollars])


def side_of(*rates_and_losses: tuple[float, float], next_loss: float = 0.0) -> list[Window]:
    return [
        Window(day, rate, loss, next_loss)
        for day, (rate, loss) in zip(
            days(len(rates_and_losses)), rates_and_losses, strict=True
        )
    ]  # fmt: skip


def asks_by_side(
    holdings: Sequence[Holding], accounts: int, *, settings: Mapping[str, int]
) -> Requirement:
    """The largest of all scenarios, in plain whole numbers."""
    assert settings == {"margin_days": 2}
    ((_, lots, price_cents, measure, *_),) = holdings
    assert accounts == 2
    cents = [
        max(0, *(-(-count * (price_cents or 0) * ppm // 10**6) for ppm in measure.shocks_ppm))
        for count in lots.tolist()
    ]
    return Requirement(np.array(cents), [np.array(cents)])


def test_a_rate_covers_the_moves_of_the_days_after_its_own() -> None:
    # 2.00 → 1.00 → 3.00: the first day's window ends 50 % up, after a day that is 50 % down.
    windows = windows_of(prices(2, 1, 3), Rates([0.4], [0.6]), first=0, days=2)
    assert windows == {
        "long": [Window(FIRST, 0.4, -0.5, 0.5)],
        "short": [Window(FIRST, 0.6, 0.5, -0.5)],
    }


def test_windows_begin_with_the_first_rate_and_end_with_the_prices() -> None:
    rates = Rates([0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8])
    windows = windows_of(prices(1, 1, 1, 1, 2), rates, first=1, days=2)
    assert [window.day for window in windows["short"]] == days(3)[1:]
    assert [window.loss for window in windows["short"]] == [0, 1]
    assert [window.rate for window in windows["long"]] == [0.1, 0.2]
    assert [window.rate for window in windows["short"]] == [0.5, 0.6]


def test_a_loss_at_the_rate_is_covered() -> None:
    at, above = review([side_of((0.5, 0.5))], days=2), review([side_of((0.5, 0.75))], days=2)
    assert (at.uncovered, at.worst_beyond, at.breach_dates) == (0, 0, ())
    assert (above.uncovered, above.worst_beyond, above.breach_dates) == (1, 0.25, (FIRST,))


def test_figures_of_a_side_by_hand() -> None:
    figures = review(
        [side_of((0.125, 0), (0.25, 0.5), (0.25, 0.5), (0.5, 0), (0.25, 0.25), (0.125, 1))],
        days=2,
    )
    assert (figures.windows, figures.uncovered, figures.coverage) == (6, 3, 0.5)
    assert (figures.mean_rate, figures.peak_rate, figures.peak_to_trough) == (0.25, 0.5, 4)
    assert (figures.rise_5, figures.rise_20) == (0.375, 0.375)
    assert figures.worst_beyond == 0.875
    assert figures.breach_dates == tuple(days(6)[index] for index in (1, 2, 5))
    # Every second window: the first, third and fifth; the third was beyond its rate.
    assert (figures.windows_apart, figures.uncovered_apart) == (3, 1)


@pytest.mark.parametrize(
    ("after", "rises"),
    [(5, (0.5, 0.5)), (6, (0.25, 0.5)), (20, (0.25, 0.5)), (21, (0.25, 0.25))],
)
def test_a_rise_counts_within_so_many_days_only(after: int, rises: tuple[float, float]) -> None:
    # To the half at once, to three quarters so many days after the first.
    rates = [0.25, *[0.5] * (after - 1), 0.75]
    figures = review([side_of(*((rate, 0) for rate in rates))], days=2)
    assert (figures.rise_5, figures.rise_20) == rises


def test_rates_that_only_fall_never_rise() -> None:
    figures = review([side_of((0.5, 0), (0.25, 0))], days=2)
    assert (figures.rise_5, figures.rise_20, figures.peak_to_trough) == (0, 0, 2)


def test_a_rate_of_zero_has_no_ratio() -> None:
    assert review([side_of((0.0, 0), (0.5, 0))], days=2).peak_to_trough is None


def test_both_sides_are_pooled_day_by_day() -> None:
    long = side_of((0.25, 0.5), (0.25, -0.5), (0.25, 0))
    short = side_of((0.5, -0.5), (0.25, 0.5), (0.125, 0))
    figures = review_sides({"long": long, "short": short}, days=2)
    assert [figures[side].uncovered for side in ("long", "short", "all")] == [1, 1, 2]
    pooled = figures["all"]
    assert (pooled.windows, pooled.breach_dates) == (3, tuple(days(2)))
    assert pooled.mean_rate == pytest.approx((0.25 * 3 + 0.875) / 6)
    # The worse of the sides: 0.5 / 0.125 of the short one, and nothing of the other.
    assert (pooled.peak_rate, pooled.peak_to_trough) == (0.5, 4)


def test_one_day_exceptions_are_of_the_first_day_and_make_the_zone() -> None:
    windows = side_of(*[(0.25, 0.0)] * 250, next_loss=0.0)
    beyond = side_of(*[(0.25, 0.0)] * 250, next_loss=0.5)
    at = side_of(*[(0.25, 0.0)] * 250, next_loss=0.25)
    figures = review([[*beyond[:5], *at[5:9], *windows[9:]]], days=2)
    assert (figures.uncovered, figures.one_day_exceptions, figures.basel_zone) == (0, 5, "yellow")


def test_the_tests_take_windows_that_do_not_overlap() -> None:
    # Each jump is beyond two windows running: ten jumps are twenty windows, and ten of half.
    jumps = [[(0.25, 0.5)] * 2 + [(0.25, 0.0)] * 18] * 10
    figures = review([side_of(*(pair for jump in jumps for pair in jump))], days=2)
    assert (figures.windows, figures.uncovered) == (200, 20)
    assert (figures.windows_apart, figures.uncovered_apart) == (100, 10)
    assert figures.power_at_twice == power(100, rate=0.02)
    low, high = figures.interval
    assert low < 0.1 < high
    assert figures.kupiec_p < 0.001


def test_a_rate_is_what_a_position_of_each_side_is_asked() -> None:
    def measured(_: ContractHistory, settings: Mapping[str, int]) -> Measure:
        assert settings == {"margin_floor_ppm": 80_000}
        return Measure("moves", (300_000, -100_000))

    model = MarginModel("made", 1, ("margin_floor_ppm",), measured, asks_by_side, ("margin_days",))
    asked = rates_of(model, prices(1.7474, 1.7526), settings=SETTINGS)
    assert asked == Rates((0.3, 0.3), (0.1, 0.1))


def test_a_rate_is_made_of_the_prices_until_its_day() -> None:
    seen = list[tuple[date | None, list[int]]]()

    def measured(history: ContractHistory, _: Mapping[str, int]) -> Measure:
        assert not history.settlements
        assert (history.rank, history.days_left, history.sessions_left) == (0, 30, 20)
        seen.append((history.business_date, [*history.fixings]))
        return rate(80_000)

    model = MODELS[PAPER]._replace(measure=measured)
    rates_of(model, prices(1, 2, 3), settings=SETTINGS, first=1)
    assert seen == [(days(3)[1], [10**6, 2 * 10**6]), (days(3)[2], [10**6, 2 * 10**6, 3 * 10**6])]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("price", [0.000001, 0.01, 10**9])
def test_every_model_has_a_rate_for_any_constant_price(name: str, price: float) -> None:
    model = MODELS[name]
    parameters = (*model.parameters, *model.portfolio_parameters)
    settings = {parameter: int(PARAMETERS[parameter].default) for parameter in parameters}
    asked = rates_of(model, prices(*[price] * 62), settings=settings, first=60)
    assert min(*asked.long, *asked.short) > 0
    assert max(asked.long) <= 1
    assert max(asked.short) <= 3


def test_without_days_there_is_no_rate() -> None:
    assert rates_of(MODELS[PAPER], prices(), settings=SETTINGS) == Rates((), ())


@given(
    losses=st.lists(
        st.tuples(st.floats(min_value=0.001, max_value=3), st.floats(min_value=-1, max_value=3)),
        min_size=1,
        max_size=80,
    ),
    count=st.integers(min_value=1, max_value=5),
)
def test_figures_are_those_of_plain_loops(losses: list[tuple[float, float]], count: int) -> None:
    windows = side_of(*losses)
    figures = review([windows], days=count)
    beyond = [loss > rate for rate, loss in losses]
    assert (figures.windows, figures.uncovered) == (len(losses), sum(beyond))
    assert figures.uncovered_apart == sum(beyond[number] for number in range(0, len(losses), count))
    rises = [
        later[0] - before[0]
        for number, before in enumerate(losses)
        for later in losses[number : number + 21]
    ]
    assert figures.rise_20 == max(rises)
    assert figures.rise_5 <= figures.rise_20
    assert 0 <= figures.interval[0] <= figures.interval[1] <= 1


@given(
    pairs=st.lists(
        st.tuples(st.floats(min_value=-1, max_value=1), st.floats(min_value=-1, max_value=1)),
        min_size=1,
        max_size=40,
    )
)
def test_no_side_has_more_uncovered_windows_than_both(pairs: list[tuple[float, float]]) -> None:
    windows: dict[MarginSide, list[Window]] = {
        "long": side_of(*((0.25, long) for long, _ in pairs)),
        "short": side_of(*((0.25, short) for _, short in pairs)),
    }
    figures = review_sides(windows, days=2)
    both = figures["all"].uncovered
    assert max(figures["long"].uncovered, figures["short"].uncovered) <= both
    assert both <= figures["long"].uncovered + figures["short"].uncovered
    assert figures["all"].worst_beyond == max(
        figures["long"].worst_beyond, figures["short"].worst_beyond
    )
