"""Where a program takes the members of a set in the set's own order, as far as source can tell.

In: a tree. Out: the expressions. A set's order follows the addresses and hash seeds of one process,
so a book that depends on it is not the same book in the next (ARCHITECTURE, time is data).
Not a type checker: it knows sets built on the spot, names and fields declared as sets in the file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

SET_MAKERS: Final = frozenset({"frozenset", "set"})
SET_METHODS: Final = frozenset({"difference", "intersection", "symmetric_difference", "union"})
SET_TYPES: Final = SET_MAKERS | {"AbstractSet", "FrozenSet", "MutableSet", "Set"}
SET_OPERATORS: Final = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
IN_ANY_ORDER: Final = SET_MAKERS | {"all", "any", "len", "max", "min", "sorted"}
IN_SET_ORDER: Final = frozenset(
    {"enumerate", "filter", "iter", "map", "next", "reversed", "zip"}
) | {"dict", "join", "list", "sum", "tuple"}


def walked_sets(tree: ast.Module) -> Iterator[ast.expr]:
    """Each set that is walked in its own order, once a line."""
    everywhere = _set_names(tree.body)
    attributes = _set_attributes(tree)
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    seen: set[int] = set()
    for scope in (*functions, tree):
        names = everywhere if scope is tree else everywhere | _set_names(ast.walk(scope))
        for walked in _walked_in_order(scope):
            if walked.lineno not in seen and _is_set(walked, names, attributes):
                seen.add(walked.lineno)
                yield walked


def called(node: ast.Call) -> str:
    """The last word of what is called: `f` of f(), `now` of clock.now()."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _walked_in_order(tree: ast.AST) -> Iterator[ast.expr]:
    """Every expression whose members are taken one by one and whose order then shows."""
    in_any_order = {
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node) in IN_ANY_ORDER
        for argument in node.args
    }
    for node in ast.walk(tree):
        match node:
            case ast.For(iter=walked) | ast.AsyncFor(iter=walked) | ast.Starred(value=walked):
                yield walked
            case ast.ListComp() | ast.DictComp() | ast.GeneratorExp() if node not in in_any_order:
                yield from (generator.iter for generator in node.generators)
            case ast.Call(func=ast.Attribute(attr="pop", value=walked), args=[]):
                yield walked
            case ast.Call() if called(node) in IN_SET_ORDER:
                yield from node.args
            case _:
                pass


def _set_names(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Names that are declared as sets or bound to one that is built on the spot."""
    found: list[str] = []
    for node in nodes:
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as kind) if _is_set_type(kind):
                found.append(name)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=value):
                if _is_set_type(kind) or (value is not None and _is_set(value)):
                    found.append(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_set(value):
                found.append(name)
            case _:
                pass
    return frozenset(found)


def _set_attributes(tree: ast.Module) -> frozenset[str]:
    """Fields that a class of this file declares as sets."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return frozenset().union(*(_set_names(node.body) for node in classes))


def _is_set_type(annotation: ast.expr) -> bool:
    kind = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return ast.unparse(kind).rpartition(".")[2] in SET_TYPES


def _is_set(
    node: ast.expr,
    names: frozenset[str] = frozenset(),
    attributes: frozenset[str] = frozenset(),
) -> bool:
    """Whether the expression is a set, as far as the source alone can tell."""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in SET_MAKERS
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in SET_METHODS
        case ast.BinOp(left=left, right=right, op=operator) if isinstance(operator, SET_OPERATORS):
            return any(_is_set(side, names, attributes) or _is_keys(side) for side in (left, right))
        case ast.Name(id=name):
            return name in names
        case ast.Attribute(attr=name):
            return name in attributes
        case _:
            return False


def _is_keys(node: ast.expr) -> bool:
    """Whether it is a dict's view, which an operator turns into a set."""
    return isinstance(node, ast.Call) and called(node) in {"items", "keys"} and not node.args
