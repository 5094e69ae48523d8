"""The alert rules for Prometheus, held against pages of metrics without Prometheus.

In: services/worker/monitoring/alerts.yml, pages as a worker serves them. Out: the alerts whose
condition holds. Only the forms of expression that stand in the file are known; another is an error,
so that none is passed over. `for` is not waited.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.house_rules import ROOT

MONITORING: Final = ROOT / "services" / "worker" / "monitoring"
ALERTS: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
ABSENT: Final = re.compile(r"absent\((?P<metric>\w+)\)")
COMPARED: Final = re.compile(
    r"(?:(?P<fold>max|min|sum) ?(?:by \((?P<by>[\w, ]+)\) )?\()?"
    r"(?P<grown>increase\()?(?P<size>abs\()?(?P<metric>\w+)(?:\{(?P<label>\w+)=\"(?P<value>\w+)\"\})?"
    r"(?:\[\d+m\]\))?\)*? (?P<sign>[<>]|==) (?P<number>\d+)"
)
FOLDS: Final[dict[str, Callable[[Iterable[float]], float]]] = {"max": max, "min": min, "sum": sum}
SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt, ">": operator.gt, "==": operator.eq,
}  # fmt: skip

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def firing(pages: dict[str, str], before: dict[str, str] | None = None) -> set[str]:
    """The alerts whose condition holds, by pages of workers; "" of one that does not answer.

    before: the pages minutes ago, from which counters have grown; from 0 if there are none.
    """
    now, earlier = series_of(pages), series_of(before or {})
    return {rule["alert"] for rule in ALERTS if _holds(rule["expr"], now, earlier)}


def series_of(pages: dict[str, str]) -> Series:
    """All series as Prometheus would have them."""
    series: Series = {}
    for instance, text in pages.items():
        target = {("instance", instance), ("job", "clearing")}
        series["up", frozenset(target)] = float(bool(text))
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                series[sample.name, frozenset(target | {*sample.labels.items()})] = sample.value
    return series


def _holds(expression: str, now: Series, earlier: Series) -> bool:
    absent = ABSENT.fullmatch(expression)
    if absent is not None:
        return all(name != absent["metric"] for name, _ in now)
    parts = COMPARED.fullmatch(expression)
    assert parts is not None, f"no form of expression that is known here: {expression}"
    gathered: dict[frozenset[tuple[str, str]], list[float]] = defaultdict(list)
    for (name, labels), value in now.items():
        if name == parts["metric"] and (
            parts["label"] is None or (parts["label"], parts["value"]) in labels
        ):
            by = (parts["by"] or "").split(", ")
            grown = value - earlier.get((name, labels), 0.0) if parts["grown"] else value
            key = frozenset(one for one in labels if one[0] in by) if parts["fold"] else labels
            gathered[key].append(abs(grown) if parts["size"] else grown)
    fold = FOLDS[parts["fold"] or "max"]
    return any(SIGNS[parts["sign"]](fold(one), float(parts["number"])) for one in gathered.values())
