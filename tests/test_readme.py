"""What README.md and services/OPERATIONS.md say, held against the program.

Settings, commands, metrics, messages of a worker: all are named, and what is named is there. The
small market is run as a reader pastes it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final

import click
import pytest

from events.contracts import PRODUCTS
from services.broker.batches import TopicDamaged
from services.broker.topics import shard_partitions
from services.broker.trouble import BrokerTrouble
from services.journal.trouble import JournalTrouble, ServerNotStarted
from services.settings import Settings
from services.worker.barriers import LinkBroken
from services.worker.copy_check import ControlGap
from services.worker.metrics import Metrics
from services.worker.offsets import OffsetLost
from tests.command_line import check_command, command_names
from tests.house_rules import ROOT
from tests.readme_market import REWRITE, print_market, shown_market

README: Final = (ROOT / "README.md").read_text("utf-8")
OPERATIONS: Final = (ROOT / "services/OPERATIONS.md").read_text("utf-8")
# No worker says it: it is the embedded server's.
EMBEDDED: Final = ServerNotStarted


def chapter(title: str, *, text: str) -> str:
    """The text under a heading, up to the next one of any depth."""
    _, found, rest = f"\n{text}".partition(f"\n{title}\n")
    assert found, f"no chapter {title}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def shown_commands() -> Iterator[str]:
    """The commands of ours in blocks of shell."""
    for block in re.findall(r"```sh\n(.*?)```", README + OPERATIONS, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("clearing "):
                yield line


def first_cells(text: str) -> set[str]:
    """What stands as code in the first cells of tables."""
    cells = re.findall(r"^\| (.+?) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def kinds_of(trouble: type[Exception]) -> set[str]:
    """The names of all that is derived from a trouble."""
    found: set[str] = set()
    for kind in trouble.__subclasses__():
        found |= {kind.__name__} | kinds_of(kind)
    return found


def test_the_table_of_settings_is_that_of_the_model() -> None:
    rows = [
        f"| `{name}` | {'' if field.default is None else f'`{field.default}`'} "
        f"| {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    _, _, rest = OPERATIONS.partition("<!-- settings -->\n")
    table = rest.partition("\n<!-- end -->")[0].splitlines()
    assert table[2:] == rows


@pytest.mark.parametrize("line", [*shown_commands()])
def test_a_command_that_is_shown_can_be_given(line: str) -> None:
    words = shlex.split(line, comments=True)
    check_command([*takewhile(lambda word: word not in {"&", "|", ">"}, words)])


def test_a_command_that_cannot_be_given_is_seen() -> None:
    with pytest.raises(click.UsageError):
        check_command(["clearing", "worker", "--web-prot", "1"])


def test_every_command_has_its_place_behind_a_door() -> None:
    doors = re.findall(r"`(?:clearing )?(\w+)", chapter("## Three doors", text=README))
    assert command_names() - {*doors} == set()


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_small_market_prints_what_readme_says(tmp_path: Path) -> None:
    printed = shown_market(README)["printed"]
    assert print_market(tmp_path) == printed, f"{REWRITE} writes what it prints into README"


def test_every_metric_is_explained() -> None:
    families = Metrics().registry.collect()
    names = {one.name + ("_total" if one.type == "counter" else "") for one in families}
    text = chapter("## Health and metrics", text=OPERATIONS)
    assert first_cells(text) - {"/healthz", "/metrics", "/readyz", "/readyz/all"} == names


def test_every_trouble_of_a_worker_is_explained() -> None:
    own = {
        one.__name__ for one in (OffsetLost, TopicDamaged, ControlGap, LinkBroken, BrokerTrouble)
    }
    troubles = own | kinds_of(JournalTrouble) | kinds_of(BrokerTrouble)
    named = {
        name
        for name in first_cells(chapter("## When a worker says", text=OPERATIONS))
        if name.isalpha()
    }
    assert named == {*troubles, "AssertionError"} - {EMBEDDED.__name__}


def test_the_picture_names_every_shard_and_its_inbox() -> None:
    picture = chapter("# Operations: the clearinghouse on Kafka", text=OPERATIONS)
    assert [
        one for one in shard_partitions() if one.shard not in picture or one.origin not in picture
    ] == []
    assert len(shard_partitions()) == len(PRODUCTS) + 2
