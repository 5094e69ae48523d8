"""The risk officer's page: its figures are those of the command, its models those of the table."""

from __future__ import annotations

import json
import re

from click.testing import CliRunner

from risk.margin_models import MODELS
from services.backtest.outcome import FLAT
from services.cli import cli
from services.console.docs_command import DOCUMENTS
from tests.backtest_document import REWRITE, figures, shipped_backtest, written

TEXT = DOCUMENTS["backtest"].text


def test_the_figures_are_those_that_the_program_makes_now() -> None:
    made = written(TEXT, shipped_backtest())
    assert made == TEXT, f"{REWRITE} writes them into BACKTEST.md"


def test_the_document_says_when_to_take_each_model() -> None:
    chapter = TEXT.partition("## 3. ")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE)
    assert sorted(named) == sorted([*MODELS, FLAT])


def test_every_name_of_the_json_is_explained() -> None:
    ran = CliRunner().invoke(cli, ["backtest", "--to", "2023-07-31", "--format", "json"])
    (sides, *_) = json.loads(ran.stdout)["models"].values()
    chapter = TEXT.partition("## 2. ")[2].partition("\n## ")[0]
    heads = re.findall(r"^\| (`.+?`) \|", chapter, re.MULTILINE)
    explained = {name for head in heads for name in re.findall(r"`(\w+)`", head)}
    assert explained == sides["all"].keys()


def test_the_plot_marks_every_window_that_was_not_covered() -> None:
    backtest = shipped_backtest()
    crosses = sum(line.count("x") for line in figures(backtest) if "█" in line)
    assert crosses == sum(
        model.reviews["all"].uncovered for model in backtest.subjects[0].figures
    )  # fmt: skip
