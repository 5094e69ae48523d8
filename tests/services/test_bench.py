"""Each bench runs at a size that proves nothing; no assertion is about time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench.__main__ import BENCHES, measure
from tests.bench.figure import Figure, line_of
from tests.kafka_shared import NAMED

# A failover lasts as long as Kafka's shortest session: tests/faults kills workers all day long.
STREAMED = ("facts", "latency", "stream")
EMBEDDED = sorted(BENCHES.keys() - {*STREAMED, "failover"})


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_bench_says_ours_baseline_and_ratio(name: str) -> None:
    expect_figures(measure(name, is_small=True), name)


@pytest.mark.parametrize("name", STREAMED)
def test_a_bench_on_kafka_does_too(name: str, broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMED, broker)
    expect_figures(measure(name, is_small=True), name)


def expect_figures(said: dict[str, Any], name: str) -> None:
    """Each figure has something to say."""
    assert said["bench"] == name
    for figure in (said, *said["figures"]):
        assert figure["ours"] > 0
        assert figure["baseline"] > 0
        assert figure["ratio"] > 0


def test_the_first_figure_stands_at_the_top_of_the_line() -> None:
    figures = [Figure("a", "s", 3, 2, 1, "at_most"), Figure("b", "s", 1, 1, 1, "at_most")]
    said = line_of("x", figures)
    assert (said["ours"], said["baseline"], said["ratio"]) == (3, 2, 1.5)


def test_a_size_that_a_bench_does_not_have_is_refused() -> None:
    with pytest.raises(SystemExit, match="ingest has no size block"):
        measure("ingest", is_small=True, block=1)
