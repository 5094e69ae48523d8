"""The rules of STYLE that can be read off one source file, each a function from it to its breaches.

In: a parsed file. Out: what breaks the rule, by a name that `house_exceptions.txt` may excuse.
RULES is the table: a new rule is one function, one line there and one line in `test_house.py`'s
table of bad examples.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from tests.house_set_order import called, walked_sets

ROOT: Final = Path(__file__).parents[1]

PACKAGES: Final = ("events/", "risk/", "settlement/", "services/")
PURE: Final = ("events/", "risk/", "settlement/", "services/shards/", "services/shards.py")
EXACT: Final = ("events/", "settlement/")
ALL: Final = (*PACKAGES, "tests/")

FUNCTION_LINES_MAX: Final = 60
FILE_LINES_MAX: Final = 400
PARAMETERS_MAX: Final = 6
POSITIONAL_MAX: Final = 2

FORBIDDEN_NAMES: Final = re.compile(r"_?(?:utils?|helpers?|managers?|base|common)")
PYPROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Words that name nothing of the trade: a record, a requirement, a seat is not "found" or "one".
VAGUE_NAMES: Final = frozenset(
    {
        "around", "asked", "begun", "beside", "found", "held", "kept", "known", "left", "more",
        "one", "other", "others", "own", "place", "places", "rest", "said", "some", "taken",
        "told", "wanted",
    }
)  # fmt: skip
FORBIDDEN_IMPORTS: Final = frozenset(
    # import-linter's own list, so that there is one; here imports inside functions are seen too.
    name
    for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
    for name in contract.get("forbidden_modules", [])
)
CLOCK_CALLS: Final = frozenset(
    {"default_rng", "fromtimestamp", "now", "today", "utcfromtimestamp", "utcnow"}
)
ADDRESS_CALLS: Final = frozenset({"hash", "id"})  # differ from process to process
UNFINISHED: Final = re.compile(
    r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b"
)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """One file: its path from the top of the repository, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, path: str, text: str) -> Source:
        """Parse the text of a file."""
        return cls(path, text, ast.parse(text, path))


class Breach(NamedTuple):
    """One place where a rule is broken; `path:name` is how an exception is written."""

    path: str
    name: str
    line: int
    found: str

    @property
    def key(self) -> str:
        """What an exception names."""
        return f"{self.path}:{self.name}"


class Rule(NamedTuple):
    """A rule, the paths it holds for (by how they begin) and its check."""

    name: str
    where: tuple[str, ...]
    check: Callable[[Source], Iterator[Breach]]

    def breaches(self, source: Source) -> list[Breach]:
        """What breaks the rule in the file; nothing where the rule does not hold."""
        return list(self.check(source)) if source.path.startswith(self.where) else []


def long_functions(source: Source) -> Iterator[Breach]:
    """Functions longer than the wall, docstring and all."""
    for name, node in _functions(source.tree):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield Breach(source.path, name, node.lineno, f"{lines} lines")


def long_files(source: Source) -> Iterator[Breach]:
    """Files longer than the wall."""
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield Breach(source.path, "file", lines, f"{lines} lines")


def many_parameters(source: Source) -> Iterator[Breach]:
    """Functions of more than six parameters, not counting self."""
    for name, node in _functions(source.tree):
        count = len(_positional(node)) + len(node.args.kwonlyargs)
        if count > PARAMETERS_MAX:
            yield Breach(source.path, name, node.lineno, f"{count} parameters")


def many_positional(source: Source) -> Iterator[Breach]:
    """Functions whose third parameter can be given by position; the language's own aside."""
    for name, node in _functions(source.tree):
        protocol = re.fullmatch(r"__(?!init__)\w+__", node.name)
        count = len(_positional(node))
        if count > POSITIONAL_MAX and not protocol:
            yield Breach(source.path, name, node.lineno, f"{count} positional parameters")


def nameless_modules(source: Source) -> Iterator[Breach]:
    """Modules and folders named after no idea."""
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if FORBIDDEN_NAMES.fullmatch(part):
            yield Breach(source.path, part, 1, f"{part} is not an idea")


def vague_names(source: Source) -> Iterator[Breach]:
    """Variables and parameters named after no term of the trade."""
    for node in ast.walk(source.tree):
        name = ""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        if name in VAGUE_NAMES:
            yield Breach(source.path, name, _line(node), f"{name} says nothing")


def public_names(source: Source) -> list[str]:
    """What a file defines for others: functions, classes and values at its top."""
    names: list[str] = []
    for node in source.tree.body:
        if isinstance(node, FunctionNode | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def world_imports(source: Source) -> Iterator[Breach]:
    """Imports of what reaches outside the process: clock, chance, sockets, logs, libraries."""
    for node in ast.walk(source.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Call) and called(node) == "__import__":
            names = ["importlib"]
        for name in names:
            if name.split(".")[0] in FORBIDDEN_IMPORTS:
                yield Breach(source.path, name, _line(node), f"imports {name}")


def floats(source: Source) -> Iterator[Breach]:
    """Float literals, `float`, NumPy's floats and `/`: Fraction(a, b) says the quotient exactly."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Constant(value=float() | complex()):
                found = repr(node.value)
            case ast.Name(id="float" | "complex" as found):
                pass
            case ast.Attribute(attr=found) if found.startswith("float"):
                pass
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                found = "/"
            case _:
                continue
        yield Breach(source.path, found, _line(node), f"holds {found}")


def clocks(source: Source) -> Iterator[Breach]:
    """Calls that give another answer in another run: the clock, chance, addresses in memory."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        by_method = isinstance(node.func, ast.Attribute) and name in CLOCK_CALLS
        if by_method or (isinstance(node.func, ast.Name) and name in ADDRESS_CALLS):
            yield Breach(source.path, name, node.lineno, f"calls {name}()")


def set_walks(source: Source) -> Iterator[Breach]:
    """Whatever takes the members of a set in the set's own order."""
    for walked in walked_sets(source.tree):
        found = ast.unparse(walked)
        yield Breach(source.path, found, walked.lineno, f"{found} is a set, its order is chance")


def missing_docstrings(source: Source) -> Iterator[Breach]:
    """Public functions and methods that do not say what they give."""
    for name, node in _functions(source.tree):
        public = not any(part.startswith("_") for part in name.split("."))
        if public and "<" not in name and ast.get_docstring(node) is None:
            yield Breach(source.path, name, node.lineno, "no docstring")


def unfinished(source: Source) -> Iterator[Breach]:
    """Promises left in the source."""
    for number, line in enumerate(source.text.splitlines(), 1):
        for word in UNFINISHED.findall(line):
            yield Breach(source.path, word, number, word)


def caught_laws(source: Source) -> Iterator[Breach]:
    """Handlers of AssertionError: a broken law is never caught."""
    for name, line in _caught(source.tree):
        if name == "AssertionError":
            yield Breach(source.path, name, line, "catches a broken law")


def caught_everything(source: Source) -> Iterator[Breach]:
    """Handlers of everything. Not in RULES: one is allowed in all of `services`, by count."""
    for name, line in _caught(source.tree):
        if name in {"", "BaseException", "Exception"}:
            yield Breach(source.path, name or "except", line, "catches everything")


RULES: Final = (
    Rule("function-lines", ALL, long_functions),
    Rule("file-lines", ALL, long_files),
    Rule("parameters", ALL, many_parameters),
    Rule("positional", PACKAGES, many_positional),
    Rule("module-name", ALL, nameless_modules),
    Rule("vague-name", PACKAGES, vague_names),
    Rule("world-import", PURE, world_imports),
    Rule("float", EXACT, floats),
    Rule("clock", PURE, clocks),
    Rule("set-order", PURE, set_walks),
    Rule("docstring", PURE, missing_docstrings),
    Rule("unfinished", ALL, unfinished),
    Rule("caught-law", PACKAGES, caught_laws),
)


def _functions(tree: ast.AST, owner: str = "") -> Iterator[tuple[str, FunctionNode]]:
    """Every function with its name as Python's `__qualname__` writes it."""
    for node in ast.iter_child_nodes(tree):
        name = owner
        if isinstance(node, FunctionNode):
            yield f"{owner}{node.name}", node
            name = f"{owner}{node.name}.<locals>."
        elif isinstance(node, ast.ClassDef):
            name = f"{owner}{node.name}."
        yield from _functions(node, name)


def _positional(node: FunctionNode) -> list[ast.arg]:
    """The parameters that can be given by position, without self and cls."""
    parameters = [*node.args.posonlyargs, *node.args.args]
    return parameters[1:] if parameters and parameters[0].arg in {"cls", "self"} else parameters


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def _caught(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names of the exceptions that are caught or suppressed; empty for a bare except.

    A handler that ends in a bare `raise` cleans up and lets the trouble pass: it catches nothing.
    """
    for node in ast.walk(tree):
        kinds: list[ast.expr] = []
        if isinstance(node, ast.ExceptHandler):
            if isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None:
                continue
            if node.type is None:
                yield "", node.lineno
            else:
                kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        elif isinstance(node, ast.Call) and called(node) == "suppress":
            kinds = node.args
        for kind in kinds:
            yield ast.unparse(kind).rpartition(".")[2], kind.lineno
