"""The documents that ship, held against the program and against each other.

References lead to headings; what WIRE lists is what the program knows, and no command of it is
marked as not built yet in the rulebook; a wheel contains them all.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

from events.commands import COMMANDS
from events.facts import FACTS
from events.parameters import PARAMETERS
from events.refusals import OTHER_PRECEDENCE, TRADE_PRECEDENCE, Reason
from services.console.docs_command import DOCUMENTS
from services.shards.shard import RULES_VERSION
from tests.house_rules import PACKAGES, ROOT

# By the word that references use: the documents in which its sections stand, under one numbering.
NUMBERED: Final = {
    "RULEBOOK": ("rules", "margin"),
    "WIRE": ("wire",),
    "ARCHITECTURE": ("architecture",),
}
WIRE: Final = DOCUMENTS["wire"].text
NOT_BUILT: Final = "Not built yet"
# `RULEBOOK §4, §5`, `WIRE §1 and §3`, `RULEBOOK 9.2`; what a comma or "and" goes on with.
_NUMBERS: Final = r"§?\d+(?:[.–]\d+)?"
REFERENCE: Final = re.compile(rf"\b([A-Z]{{4,}}) ({_NUMBERS}(?:(?:, | and ){_NUMBERS})*)")
_READ: Final = frozenset({".html", ".json", ".md", ".py", ".sql", ".toml", ".yml"})


def texts() -> Iterator[tuple[str, str]]:
    """Path and text of whatever of ours may refer to a document."""
    tops = (*PACKAGES, "tests")
    files = [file for top in tops for file in sorted((ROOT / top).rglob("*"))]
    files += [file for file in sorted(ROOT.iterdir()) if file.is_file()]
    for file in files:
        if file.suffix in _READ:
            yield str(file.relative_to(ROOT)), file.read_text("utf-8")


def references(text: str) -> Iterator[tuple[str, int]]:
    """Word and section of each reference: with a § under any word, without it under ours."""
    for word, numbers in REFERENCE.findall(text):
        if word in NUMBERED or "§" in numbers:
            for number in re.findall(r"(?<![.\d])\d+", numbers):
                yield word, int(number)


def sections(text: str) -> list[int]:
    """The numbers of a document's headings."""
    return [int(number) for number in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)]


def sections_under(word: str) -> list[int]:
    """The sections to which references under a word can lead."""
    return [n for name in NUMBERED.get(word, ()) for n in sections(DOCUMENTS[name].text)]


def test_every_reference_leads_to_a_heading() -> None:
    found = [(path, *reference) for path, text in texts() for reference in references(text)]
    assert len(found) > 200
    assert [one for one in found if one[2] not in sections_under(one[1])] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(RULEBOOK §4, §5)", [("RULEBOOK", 4), ("RULEBOOK", 5)]),
        ("WIRE §1 and §3.", [("WIRE", 1), ("WIRE", 3)]),
        ("RULEBOOK 9.2 and 5", [("RULEBOOK", 9), ("RULEBOOK", 5)]),
        ("STYLE §" + "8", [("STYLE", 8)]),
        ("RULEBOOK §2; §5.2, eq. 4", [("RULEBOOK", 2)]),
        ("RULEBOOK §" + "12", [("RULEBOOK", 12)]),
        ("EMIR 42", []),
    ],
)
def test_a_reference_is_seen(text: str, expected: list[tuple[str, int]]) -> None:
    assert list(references(text)) == expected


@pytest.mark.parametrize("word", NUMBERED)
def test_a_section_stands_once(word: str) -> None:
    numbers = sorted(sections_under(word))
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_parameter_has_its_section_and_is_named_there() -> None:
    for entry in PARAMETERS.values():
        (word, number), *_ = references(f"RULEBOOK {entry.source} {entry.source}")
        assert number in sections_under(word), entry
        assert any(f"`{entry.name}`" in DOCUMENTS[name].text for name in NUMBERED[word]), entry


def test_the_rules_say_their_version() -> None:
    assert f"rules of version {RULES_VERSION};" in " ".join(DOCUMENTS["rules"].text.split())


def built_and_not(text: str) -> tuple[str, str]:
    """A document in two: what it says is there, what it says is not built yet.

    A mark in a heading holds to the next heading; one that begins a paragraph holds for it and the
    list or table behind it; one inside a paragraph holds to its end.
    """
    parts: tuple[list[str], list[str]] = ([], [])
    heading = paragraph = False
    for block in re.split(r"\n\n+", text):
        if block.startswith("#"):
            heading = NOT_BUILT in block.splitlines()[0]
            paragraph = False
        elif not re.match(r"[-|]|[2-9]\. ", block):
            paragraph = block.startswith(f"**{NOT_BUILT}")
        before, _, after = block.partition(f"**{NOT_BUILT}")
        parts[heading or paragraph].append(before)
        parts[True].append(after)
    return "\n\n".join(parts[False]), "\n\n".join(parts[True])


def rows(text: str) -> Iterator[tuple[str, str]]:
    """Each type in the first cells of tables, with the row's second cell."""
    for first, second in re.findall(r"^\| (`.+?`) \| (.+?) \|", text, re.MULTILINE):
        for kind in re.findall(r"`([a-z_]+/\d+)`", first):
            yield kind, second


def short(kinds: Iterable[str]) -> set[str]:
    """Types without their version, as the rulebook names them."""
    return {kind.partition("/")[0] for kind in kinds}


def named_in(text: str) -> set[str]:
    """What stands as code in a text."""
    return set(re.findall(r"`(\w+)`", text))


def test_wire_lists_the_commands_and_facts_that_there_are() -> None:
    assert sorted(kind for kind, _ in rows(WIRE)) == sorted([*COMMANDS, *FACTS])


def fields_in(cell: str) -> list[str]:
    """The fields that a row names: up to a colon, without what stands in brackets."""
    plain = re.sub(r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}", "", cell)
    return [piece.split()[0] for piece in re.split(r": |\. ", plain)[0].split(", ")]


def test_wire_names_every_field_and_no_other() -> None:
    stated = dict(rows(WIRE))
    for kind, model in (COMMANDS | FACTS).items():
        own = [field.alias or name for name, field in model.model_fields.items()]
        named = fields_in(stated[kind])
        expected = own if kind in COMMANDS else [name for name in own if name != "at"] or ["none"]
        assert sorted(named) == sorted(expected), kind


@pytest.mark.parametrize(
    ("begin", "order"), [("**Trades:**", TRADE_PRECEDENCE), ("**Other", OTHER_PRECEDENCE)]
)
def test_wire_lists_the_reasons_in_their_order(begin: str, order: Sequence[Reason]) -> None:
    text = WIRE[WIRE.index(begin) :].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", text) == [reason.value for reason in order[1:]]
    assert order[0] is Reason.WRONG_SHARD


@pytest.mark.parametrize("name", NUMBERED["RULEBOOK"])
def test_the_rulebook_marks_what_is_not_built(name: str) -> None:
    built, missing = map(named_in, built_and_not(DOCUMENTS[name].text))
    assert missing & short(COMMANDS) == set()
    assert built & short(COMMANDS) != set()


def test_a_mark_holds_as_far_as_it_says() -> None:
    text = "`a`\n\n**Not built yet.** `b`\n\n- `c`\n\n`d` **Not built yet:** `e`\n\n`f`\n\n"
    text += "### Not built yet\n\n`g`\n\n`h`\n\n## Next\n\n`i`"
    assert [*map(named_in, built_and_not(text))] == [set("adfi"), set("bcegh")]


def linked_headings(page: Path) -> Iterator[tuple[Path, str]]:
    """Page and heading of each link of a page to a heading of ours."""
    for link in re.findall(r"\]\(([^)\s]*#[^)\s]+)\)", page.read_text("utf-8")):
        path, _, heading = link.partition("#")
        if ":" not in path:
            yield (page.parent / path if path else page), heading


def test_every_link_to_a_heading_finds_it() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / one.path for one in DOCUMENTS.values())]:
        for linked, heading in linked_headings(page):
            titles = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
            made = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in made, f"{page}: {heading}"


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made of this tree, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(folder / "installed")
    return folder / "installed"


def test_a_wheel_holds_every_document(unpacked_wheel: Path) -> None:
    for document in DOCUMENTS.values():
        assert (unpacked_wheel / document.path).read_text("utf-8") == document.text


def test_a_wheel_holds_the_index_history(unpacked_wheel: Path) -> None:
    path = "services/backtest/index_history.csv"
    assert (unpacked_wheel / path).read_bytes() == (ROOT / path).read_bytes()


def test_an_installed_wheel_prints_its_documents(unpacked_wheel: Path) -> None:
    page = unpacked_wheel / DOCUMENTS["rules"].path
    page.write_text(page.read_text("utf-8") + "printed from the wheel\n", "utf-8")
    printed = subprocess.run(
        [sys.executable, "-m", "services.cli", "docs", "rules"],
        cwd=unpacked_wheel, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert printed.stdout.endswith("\nprinted from the wheel\n")
