"""Alert rules and dashboard name only what a worker serves; figures of the trade are right."""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import monotonic
from typing import Any, Final

import pytest
import yaml

from risk.calls import OpenCall
from services.shards.log import ShardLog
from services.shards.market.shard import MarketShard
from services.shards.member.books import MemberBooks
from services.shards.member.shard import MemberShard
from services.worker.lag import Lag
from services.worker.metrics import Metrics
from services.worker.shard_figures import MemberFigures, member_figures
from settlement.control_books import ControlBooks
from tests.alert_rules import ALERTS, MONITORING, firing

DASHBOARD: Final[dict[str, Any]] = json.loads(
    (MONITORING / "grafana" / "dashboards" / "clearing.json").read_text("utf-8")
)
# Prometheus' own words in an expression, and the series and labels that it adds itself.
WORDS: Final = {
    "abs", "absent", "by", "deriv", "histogram_quantile", "increase", "max", "min", "rate", "sum",
}  # fmt: skip
ADDED: Final = {"up": {"job", "instance"}}
SUFFIXES: Final = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}


def served() -> dict[str, set[str]]:
    """The series of a worker with their labels, as Prometheus has them."""
    metrics = Metrics()
    named = ADDED.copy()
    for family in metrics.registry.collect():
        for suffix in SUFFIXES.get(family.type, ("",)):
            named[family.name + suffix] = {"job", "instance"}
    for collector in vars(metrics.registry)["_collector_to_names"]:
        labels = {*getattr(collector, "_labelnames", ())}
        for name in named.keys() & {*vars(metrics.registry)["_collector_to_names"][collector]}:
            named[name] |= labels | ({"le"} if name.endswith("_bucket") else set())
    return named


def expressions() -> list[str]:
    """All expressions of alerts and dashboard."""
    shown = [one["expr"] for panel in DASHBOARD["panels"] for one in panel["targets"]]
    return [*(rule["expr"] for rule in ALERTS), *shown]


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_names_series_and_labels_that_a_worker_serves(expression: str) -> None:
    series = served()
    bare = re.sub(r'"[^"]*"|\[\d+m\]|\b[\d.]+\b', "", expression)
    labels = {name for group in re.findall(r"by \(([^)]*)\)", bare) for name in group.split(", ")}
    labels |= {*re.findall(r"(\w+)=", bare)}
    metrics = {*re.findall(r"[a-z_]+", re.sub(r"by \([^)]*\)|\{[^}]*\}", "", bare))} - WORDS
    assert metrics
    for metric in metrics:
        assert metric in series
        assert labels <= series[metric]


def test_every_label_of_a_text_is_one_of_the_alert() -> None:
    for rule in ALERTS:
        kept = {*re.findall(r"\w+", "".join(re.findall(r"by \(([^)]*)\)", rule["expr"])))}
        named = {*re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))}
        assert named <= kept | ({"instance"} if rule["expr"].startswith("up") else set()), rule


def test_every_alert_is_seen_firing_in_some_test() -> None:
    tests = Path(__file__).parents[1].rglob("test_*.py")
    texts = "".join(path.read_text("utf-8") for path in tests)
    assert [rule["alert"] for rule in ALERTS if f'"{rule["alert"]}"' not in texts] == []


def test_a_worker_that_has_just_begun_raises_no_alarm_but_that_it_is_not_ready() -> None:
    page = Metrics().text().decode()
    assert firing({"w1": page}) == {"ClearingNotReady", "ClearingShardNotHeld"}


def test_alerts_of_which_no_other_test_makes_the_fault_fire() -> None:
    assert firing({"w1": ""}) == {"ClearingNoWorker", "ClearingWorkerDown"}
    metrics = Metrics()
    metrics.figures.closed("market/SIT", 31.0)
    metrics.figures.note_members("member/0", MemberFigures(2, 700, 1))
    metrics.note_clock("market/SIT", -1.5)
    late = Lag()
    late.note_end(4, at=monotonic() - 6)
    metrics.facts.follow("market/SIT", late)
    late._start -= 6  # noqa: SLF001 - it has waited since
    fires = firing({"w1": metrics.text().decode()})
    books = {"ClearingSlowClose", "ClearingAccountsUnderWater"}
    assert books | {"ClearingClocksApart", "ClearingFactsLate"} <= fires


def test_a_publisher_alone_is_no_worker() -> None:
    page = Metrics(shards=()).text().decode()
    assert firing({"publisher": page}) == {"ClearingNoWorker"}


def test_figures_of_members_are_those_of_the_books() -> None:
    books = MemberBooks(clock=1)
    for cash_cents in (500, -1, 0, -7_000):
        books.cash.append(cash_cents)
        books.initial.append(0)
        books.maintenance.append(0)
    books.calls.open_calls[1] = OpenCall("C1", "A1", remaining_cents=1, deadline_ns=9)
    books.calls.open_calls[3] = OpenCall("C2", "A3", remaining_cents=7_000, deadline_ns=9)
    assert member_figures(MemberShard(books, ShardLog("member/0"))) == (2, 7_001, 2)
    market = MarketShard.open("market/SIT", ControlBooks())
    assert member_figures(market) is None


def test_the_files_are_where_the_compose_file_and_each_other_look() -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
    assert [(MONITORING / name).exists() for name in config["rule_files"]] == [True]
    (source,) = yaml.safe_load(
        (MONITORING / "grafana" / "datasources" / "prometheus.yml").read_text("utf-8")
    )["datasources"]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
