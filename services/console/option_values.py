"""Values of options that have a form of their own, such as dates and times.

In: the text given. Out: its value, or a usage error that names the option.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

Value = TypeVar("Value")


def option_value(parse: Callable[[str], Value], text: str, *, option: str) -> Value:
    """The value of an option. parse: raises ValueError for a text of another form.

    Errors: a usage error with the option's name and the words of `parse`.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def check_pairs(paths: int) -> None:
    """Errors: a usage error, unless the paths are even in number: they come in pairs."""
    if paths % 2:
        msg = f"expected an even number, found {paths}"
        raise click.BadParameter(msg, param_hint="--paths")
