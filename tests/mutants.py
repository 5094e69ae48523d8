"""Mutants tell whether any test notices when a line of the core is wrong.

`python -m tests.mutants risk settlement --sample 100 --seed 1` changes one thing in a copy of the
tree (a comparison, an operator, a number, a condition) and runs the tests that import the module,
then, of a mutant that none of them kills, the scenarios. It prints each survivor with its line, and
the score. A survivor is to be judged by hand: it may be another way of saying the same.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
COPIED: Final = ("events", "risk", "settlement", "services", "tests", "pyproject.toml")
SECONDS_MAX: Final = 300
COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}  # fmt: skip


class Mutant(NamedTuple):
    """One change of a module. number: of the node among those that can be changed."""

    module: Path
    number: int
    line: int
    text: str


def is_changeable(node: ast.AST) -> bool:
    """Whether a node can be changed."""
    match node:
        case ast.Compare(ops=[op, *_]):
            return type(op) in COMPARISONS
        case ast.BinOp(op=op):
            return type(op) in OPERATORS
        case ast.Constant(value=value):
            return isinstance(value, int) and not isinstance(value, bool)
        case ast.UnaryOp(op=op):
            return isinstance(op, ast.USub)
        case _:
            return isinstance(node, ast.If | ast.IfExp | ast.BoolOp)


def change(node: ast.AST) -> None:
    """Change a node in place."""
    match node:
        case ast.Compare():
            node.ops[0] = COMPARISONS[type(node.ops[0])]()
        case ast.BinOp():
            node.op = OPERATORS[type(node.op)]()
        case ast.Constant(value=int(value)):
            node.value = value + 1
        case ast.UnaryOp():
            node.op = ast.UAdd()
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case _:
            raise AssertionError(node)


def changeable(tree: ast.Module) -> list[ast.AST]:
    """The nodes of a module that can be changed."""
    return [node for node in ast.walk(tree) if is_changeable(node)]


def mutants_of(module: Path) -> list[Mutant]:
    """All mutants of a module."""
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    return [
        Mutant(module, number, getattr(node, "lineno", 0), ast.unparse(node).split("\n")[0][:90])
        for number, node in enumerate(changeable(tree))
    ]


def mutated(mutant: Mutant) -> str:
    """The module's text with the change."""
    tree = ast.parse((ROOT / mutant.module).read_text("utf-8"))
    change(changeable(tree)[mutant.number])
    return ast.unparse(ast.fix_missing_locations(tree))


def tests_of(module: Path) -> list[str]:
    """The files of tests of the core that import a module."""
    name = ".".join(module.with_suffix("").parts)
    package, _, last = name.rpartition(".")
    wanted = (f"from {name} import", f"import {name}\n", f"from {package} import {last}")
    folders = ("tests/risk", "tests/settlement", "tests/events")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("test_*.py"))]
    return [
        str(path.relative_to(ROOT))
        for path in files
        if any(text in path.read_text("utf-8") for text in wanted)
    ]


def is_killed(tree: Path, files: list[str]) -> bool:
    """Whether a test fails in a tree, or does not end."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", *files]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def survives(mutant: Mutant, trees: SimpleQueue[Path]) -> bool:
    """Try a mutant in a tree that is free."""
    tree = trees.get()
    path = tree / mutant.module
    before = path.read_text("utf-8")
    try:
        path.write_text(mutated(mutant), "utf-8")
        files = tests_of(mutant.module)
        if files and is_killed(tree, files):
            return False
        return not is_killed(tree, ["tests/test_scenarios.py"])
    finally:
        path.write_text(before, "utf-8")
        trees.put(tree)


def say(line: str) -> None:
    """A line of the result, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Try a sample of the mutants of folders or files."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("paths", nargs="+", help="folders or files of the core")
    parser.add_argument("--sample", type=int, help="how many mutants, drawn evenly; else all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trees", type=int, default=2, help="copies to work in at once")
    asked = parser.parse_args()
    modules = [
        path.relative_to(ROOT)
        for name in asked.paths
        for path in sorted((ROOT / name).rglob("*.py") if (ROOT / name).is_dir() else [ROOT / name])
    ]
    mutants = [mutant for module in modules for mutant in mutants_of(module)]
    if asked.sample is not None:
        draw = Random(asked.seed)  # noqa: S311 - a sample is no secret
        mutants = draw.sample(mutants, min(asked.sample, len(mutants)))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(asked.trees) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(asked.trees):
            tree = Path(folder) / str(number)
            tree.mkdir()
            for name in COPIED:
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, tree / name)
            trees.put(tree)
        lived = 0
        for mutant, survived in zip(
            mutants, pool.map(lambda each: survives(each, trees), mutants), strict=True
        ):
            lived += survived
            if survived:
                say(f"survived {mutant.module}:{mutant.line} {mutant.text}")
    say(f"killed {len(mutants) - lived} of {len(mutants)}")


if __name__ == "__main__":
    main()
