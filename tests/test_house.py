"""The rules that STYLE marks *test*, checked on our own source; and each check, seen failing."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from importlib.metadata import Distribution, distributions, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from services.console.doctor.finding import INSTALL_AGAIN
from tests.house_rules import PYPROJECT, ROOT, RULES, Rule, Source, caught_everything, public_names

DISTRIBUTION: Final = "token-clearinghouse"
PACKAGES: Final = ("events", "risk", "settlement", "services")
TOP_LEVEL_OWED: Final = {
    *(*PACKAGES, "tests"),
    *("CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "requirements.lock"),
}
TOP_LEVEL: Final = TOP_LEVEL_OWED | {"docker", "docker-compose.yml"}
EXCEPTIONS_MAX: Final = 12
# Written in two halves, so that this file does not name what it looks for.
REGISTRY: Final = re.compile("pypi" + r"\.org|python" + "hosted|index" + "-url|find" + "-links")

# Rule, path, source that breaks it. The same path with GOOD's source keeps it.
BAD: Final = (
    ("function-lines", "risk/a.py", "def f():\n" + "    x = 1\n" * 60),
    ("file-lines", "tests/a.py", "x = 1\n" * 401),
    ("parameters", "tests/a.py", "def f(a, b, *, c, d, e, f, g): ..."),
    ("positional", "services/a.py", "class C:\n    def f(self, a, b, c): ..."),
    ("module-name", "services/utils.py", ""),
    ("module-name", "risk/common/a.py", ""),
    ("vague-name", "services/a.py", "for one in a: ..."),
    ("vague-name", "risk/a.py", "def f(*, held): ..."),
    ("world-import", "events/a.py", "import os.path"),
    ("world-import", "services/shards/a.py", "def f():\n    from time import time"),
    ("float", "settlement/a.py", "x = 0.5"),
    ("float", "settlement/a.py", "x = a / b"),
    ("float", "events/a.py", "x = float(a)"),
    ("float", "settlement/a.py", "x = a.astype(np.float64)"),
    ("clock", "risk/a.py", "x = datetime.now(UTC)"),
    ("clock", "risk/a.py", "x = date.today()"),
    ("clock", "settlement/a.py", "x = hash(a)"),
    ("set-order", "risk/a.py", "for x in {1, 2}: ..."),
    ("set-order", "risk/a.py", "x = [y for y in set(a)]"),
    ("set-order", "risk/a.py", "def f(s: set[str]):\n    return ','.join(s)"),
    ("set-order", "risk/a.py", "for k in a.keys() - b: ..."),
    ("set-order", "risk/a.py", "class B:\n    s: set[str]\ndef f(b):\n    return b.s.pop()"),
    ("set-order", "settlement/a.py", "S: Final = frozenset((1, 2))\nx = sum(S)"),
    ("docstring", "events/a.py", "def f(): ..."),
    ("docstring", "events/a.py", "class C:\n    def f(self): ..."),
    ("unfinished", "tests/a.py", "x = 1  # TO" + "DO: more"),
    ("caught-law", "services/a.py", "try: f()\nexcept (OSError, AssertionError): ..."),
)

GOOD: Final = '''"""What a file may hold."""

def f(a, b, *, c, d, e, f):
    """Take six."""
    return Fraction(a, b) // 2 + len({a, b})

def _g(book):
    return sorted({x for x in set(a)}), any(x for x in {a}), hashlib.sha256(), book.now

class _C:
    def __exit__(self, kind, error, trace): ...
    def now(self):
        try:
            f()
        except ValueError:
            return [x for x in sorted(frozenset(a))]
'''


@cache
def our_sources() -> list[Source]:
    """Every Python file of ours, read once."""
    files = sorted(file for top in (*PACKAGES, "tests") for file in (ROOT / top).rglob("*.py"))
    files.append(ROOT / "tests/run")
    return [Source.of(str(file.relative_to(ROOT)), file.read_text("utf-8")) for file in files]


def excused(rule: str = "") -> dict[str, str]:
    """The exceptions of a rule (of all without one), with their reasons."""
    lines = (ROOT / "tests/house_exceptions.txt").read_text("utf-8").splitlines()
    rows = [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]
    return {key: why for name, key, why in rows if rule in {name, ""}}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    allowed = excused(rule.name)
    breaches = [breach for source in our_sources() for breach in rule.breaches(source)]
    assert [breach for breach in breaches if breach.key not in allowed] == []
    assert allowed.keys() - {breach.key for breach in breaches} == set(), "no longer needed"


def test_exceptions_are_few_and_belong_to_a_rule() -> None:
    known = [key for rule in RULES for key in excused(rule.name)]
    assert sorted(known) == sorted(excused())
    assert len(known) <= EXCEPTIONS_MAX


@pytest.mark.parametrize(("name", "path", "text"), BAD)
def test_the_rule_can_fail(name: str, path: str, text: str) -> None:
    rule = next(rule for rule in RULES if rule.name == name)
    assert rule.breaches(Source.of(path, text)) != []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_is_seen_failing_and_lets_good_source_pass(rule: Rule) -> None:
    assert rule.name in {name for name, _, _ in BAD}
    assert rule.breaches(Source.of("settlement/a.py", GOOD)) == []
    assert rule.breaches(Source.of("services/a.py", GOOD)) == []


def test_only_services_catch_everything_and_only_once() -> None:
    found = [breach for source in our_sources() for breach in caught_everything(source)]
    assert [breach for breach in found if not breach.path.startswith("services/")] == []
    assert len(found) <= 1, found


@pytest.mark.parametrize(
    ("handler", "count"),
    [
        ("except: ...", 1),
        ("except Exception as error: raise Trouble from error", 1),
        ("except (A, BaseException): ...", 1),
        ("except BaseException:\n    close()\n    raise", 0),
        ("except OSError: ...", 0),
    ],
)
def test_catching_everything_is_seen(handler: str, count: int) -> None:
    source = Source.of("services/a.py", f"try: f()\n{handler}")
    assert len(list(caught_everything(source))) == count


def owners_of_names(sources: list[Source]) -> dict[str, list[str]]:
    """By public name the files of our packages that define it."""
    owners: dict[str, list[str]] = {}
    for source in sources:
        if source.path.startswith(PACKAGES):
            for name in public_names(source):
                owners.setdefault(name, []).append(source.path)
    return owners


def test_no_public_name_is_defined_twice() -> None:
    found = owners_of_names(our_sources())
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_a_name_defined_twice_is_seen() -> None:
    texts = {"risk/a.py": "X: Final = 1\n_Y = 2", "services/a.py": "def X(): ...\n_Y = 3"}
    sources = [Source.of(path, text) for path, text in texts.items()]
    assert owners_of_names(sources) == {"X": ["risk/a.py", "services/a.py"]}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the four packages of a folder by our contracts."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    config = ["--config", str(ROOT / "pyproject.toml")]
    return subprocess.run(
        [*command, *config], cwd=folder, capture_output=True, text=True, check=False
    )


def small_house(folder: Path, file: str, line: str) -> Path:
    """Our packages and the rooms of services, all empty, and one line in one of them."""
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    floors = next(found["layers"] for found in contracts if found.get("containers"))
    rooms = [f"services/{room}" for floor in floors for room in floor.split(" | ")]
    for package in (*PACKAGES, *rooms):
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    (folder / file).write_text(line)
    return folder


def test_imports_point_one_way() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("file", "line", "allowed"),
    [
        ("services/cli/a.py", "import risk, settlement, events, time", True),
        ("risk/a.py", "import settlement", False),
        ("events/a.py", "import risk", False),
        ("settlement/a.py", "import services", False),
        ("events/a.py", "import random", False),
        ("services/shards/a.py", "import psycopg", False),
        ("services/worker/a.py", "import services.journal", True),
        ("services/journal/a.py", "import services.worker", False),
        ("services/worker/a.py", "import services.embedded", False),
        ("services/settings/a.py", "import services.broker", False),
    ],
)
def test_import_contracts_can_fail(tmp_path: Path, file: str, line: str, *, allowed: bool) -> None:
    linted = lint_imports(small_house(tmp_path, file, line))
    assert (linted.returncode == 0) is allowed, linted.stdout


def strangers(folder: Path) -> set[str]:
    """What lies at the top of the repository and neither belongs there nor is ignored there."""
    names = {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")}
    ignored = {
        line.strip("/")
        for line in (folder / ".gitignore").read_text("utf-8").splitlines()
        if line.startswith("/")
    }
    return names - TOP_LEVEL - ignored


def test_the_top_level_holds_what_the_architecture_lists() -> None:
    assert strangers(ROOT) == set()
    assert {name for name in TOP_LEVEL_OWED if not (ROOT / name).exists()} == set()


def test_a_stranger_at_the_top_level_is_seen(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("/dist/\n*.pyc\n")
    for name in ("dist", "scripts", "events"):
        (tmp_path / name).mkdir()
    assert strangers(tmp_path) == {"scripts"}


def missing_paths(doc: Path, root: Path) -> set[str]:
    """Paths that a page names in code or in a link and that do not exist."""
    text = doc.read_text("utf-8")
    code = " ".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    words = {word.strip("`'\"()[],:;") for word in code.split()}
    tops = (*PACKAGES, "tests", "docker", ".ci")
    named = {
        word
        for word in words
        if re.fullmatch(rf"(?:{'|'.join(map(re.escape, tops))})/[\w./-]*", word)
        or re.fullmatch(r"[\w-][\w./-]*\.(?:lock|md|py|sql|toml|yml)", word)
    }
    named |= {
        link.partition("#")[0]
        for link in re.findall(r"\]\(([^)\s]+)\)", text)
        if not re.match(r"\w+:|#", link)
    }
    return {name for name in named if not ((root / name).exists() or (doc.parent / name).exists())}


def test_docs_name_only_paths_that_exist() -> None:
    pages = [*ROOT.glob("*.md"), *(page for top in PACKAGES for page in (ROOT / top).rglob("*.md"))]
    missing = {page.name: missing_paths(page, ROOT) for page in pages}
    assert {page: names for page, names in missing.items() if names} == {}


def test_a_path_that_does_not_exist_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`page.md` `tests/gone` [x](far/away) `market/SIT` `gone.py` [y](https://a/b)")
    assert missing_paths(page, tmp_path) == {"tests/gone", "far/away", "gone.py"}


def test_no_init_under_tests_shadows_a_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def owners(name: str) -> set[str]:
    """Installed distributions that bring a top-level package of this name, editable ones too."""
    by_path = {found.name for found in distributions() if brings_by_path(found, name)}
    return by_path | set(packages_distributions().get(name, []))


def brings_by_path(distribution: Distribution, name: str) -> bool:
    """Whether a .pth file of the distribution leads to a folder of this name."""
    files = [file for file in distribution.files or [] if file.suffix == ".pth"]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return any((Path(line) / name).is_dir() for line in lines if not line.startswith("import"))


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_name_has_one_owner(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin == str(ROOT / name / "__init__.py")
    assert owners(name) == {DISTRIBUTION}, "install with pip install --no-deps -e ."


def test_nobody_else_brings_tests() -> None:
    assert owners("tests") <= {DISTRIBUTION}


def test_an_owner_is_seen() -> None:
    assert owners("pytest") == {"pytest"}


def test_ci_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    shown = subprocess.run(
        [str(ROOT / ".ci/run"), "--show"], capture_output=True, text=True, check=True
    )
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = [line for line in readme.splitlines() if line.startswith("python3 -m venv")]
    assert [command.split(" && ")[-1] for command in commands] == [
        ".venv/bin/clearing demo",
        ".venv/bin/python tests/run",
    ]
    assert shown.stdout == commands[1] + "\n"


def test_the_lock_is_installed_as_it_stands() -> None:
    """A resolver that may look for more finds what came out after the lock, without a hash."""
    readers = [ROOT / name for name in ("README.md", "docker-compose.yml")]
    said = [*re.findall(r"pip install[^&\n]*lock", " && ".join(map(Path.read_text, readers)))]
    assert len(said) == 3
    for command in [*said, INSTALL_AGAIN]:
        assert "--no-deps --require-hashes" in command


def test_the_lock_is_whole() -> None:
    """What is installed, which is the lock and no more, lacks nothing."""
    checked = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def registry_hosts(folder: Path) -> set[str]:
    """Text files that name a package registry."""
    tops = [folder / name for name in TOP_LEVEL | {".ci"}]
    files = [file for top in tops for file in ([top] if top.is_file() else top.rglob("*"))]
    texts = {file: file.read_bytes() for file in files if file.is_file()}
    return {
        str(file.relative_to(folder))
        for file, raw in texts.items()
        if file.suffix != ".pyc" and REGISTRY.search(raw.decode("utf-8", "replace"))
    }


def test_properties_meet_the_same_examples_in_every_run() -> None:
    chosen = hypothesis.settings.default
    assert chosen is not None
    assert (chosen.derandomize, chosen.deadline, chosen.print_blob) == (True, None, True)


def test_the_distribution_is_private() -> None:
    project = PYPROJECT["project"]
    assert project["name"] == DISTRIBUTION
    assert "Private :: Do Not Upload" in project["classifiers"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert registry_hosts(ROOT) == set()


def test_a_registry_in_a_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("--index" + "-url https://example.test\n")
    assert registry_hosts(tmp_path) == {"requirements.lock"}
