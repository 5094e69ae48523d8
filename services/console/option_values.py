"""Values of options that have a form of their own, such as dates and times.

In: the text given. Out: its value, or a usage error that names the option.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def named_numbers(
    texts: Sequence[str], checked: Callable[[str, float], float], *, option: str, such_as: str
) -> dict[str, float]:
    """The numbers of an option given as NAME=NUMBER, each name once. checked: raises ValueError.

    Errors: a usage error with the option's name. such_as: what shows the form.
    """
    numbers: dict[str, float] = {}

    def parse(text: str) -> tuple[str, float]:
        name, _, number = text.partition("=")
        if name in numbers:
            msg = f"{name}: expected once, found again"
            raise ValueError(msg)
        try:
            amount = float(number)
        except ValueError:
            msg = f"expected {such_as}, found {text}"
            raise ValueError(msg) from None
        return name, checked(name, amount)

    for text in texts:
        numbers.update([option_value(parse, text, option=option)])
    return numbers
