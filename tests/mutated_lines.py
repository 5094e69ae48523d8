"""Lines that are not quite what members send: with another value, in another order, damaged.

In: lines, and a seed. Out: the same lines with mutated ones among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

# What JSON can say in the place of any value.
VALUES: Final[list[Any]] = [
    7, 0, -1, 1.5, 10**18, 10**19, "7", "007", "SITM26", "SITN26", "2.07", "A0000001", "x" * 65,
    "2026-02-30T00:00:00Z", "é", "", True, None, [], {},
]  # fmt: skip
PIECES: Final = [
    b"", b"0", b"9", b"-", b".", b" ", b'"', b"\\", b"\\u0041", b"e1", b"+", b"\r", b"\x00",
    b"\xff", b"\xef\xbb\xbf", b"\xd9\xa3", b"\x1f", b"a", b"Z", b"{", b"}", b",", b":", b"null",
    b"000", b"99999999999999999999", b', "lots": 1', b"\t", b'"type":"submit_trade/1",',
]  # fmt: skip
_SEPARATORS: Final = [(",", ":"), (", ", ": "), (" ,\t", " :  ")]


def among_mutated(lines: Sequence[bytes], *, seed: int) -> list[bytes]:
    """The lines, behind some of which stand mutated ones."""
    draw = Random(seed)  # noqa: S311 - a seed must give the same lines again
    share = draw.choice([0.02, 0.1, 0.3])
    return [*_among_mutated(lines, draw, share=share)]


def _among_mutated(lines: Sequence[bytes], draw: Random, *, share: float) -> Iterator[bytes]:
    for line in lines:
        yield line
        if draw.random() < share:
            changed = draw.choice([line, draw.choice(lines)])
            for _ in range(draw.choice([1, 1, 2])):
                changed = mutated(changed, draw)
            if changed.strip():
                yield changed


def mutated(line: bytes, draw: Random) -> bytes:
    """The line with another value or in another order, if it is an object, or with other bytes."""
    stated = None
    with suppress(ValueError):
        stated = json.loads(line)
    if not isinstance(stated, dict) or not stated or draw.random() < 1 / 2:
        first = draw.randrange(len(line) + 1)
        return line[:first] + draw.choice(PIECES) + line[first + draw.randrange(9) :]
    if draw.random() < 1 / 2:
        stated[draw.choice([*stated])] = draw.choice(VALUES)
    names = draw.sample([*stated], len(stated))
    shuffled = {name: stated[name] for name in names}
    return json.dumps(draw.choice([stated, shuffled]), separators=draw.choice(_SEPARATORS)).encode()
