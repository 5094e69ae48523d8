"""`layouts`: trades of many layouts through `clear` to durable rows, against those of one layout.

A layout is the lengths of a line's ids, numbers and times. `layouts_10`, `_64` and `_500`: so many,
in turns. `foreign`: the JSON of six producers, in turns, each with another order of fields, other
blanks. ours: trades a second; baseline: those of one layout, the mean of before and after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from services.embedded.run import LINES_A_BLOCK, EmbeddedRun
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from tests.bench.clearing_file import clear_file
from tests.bench.figure import Figure, line_of
from tests.bench.market import opening, trades, write_lines

COUNTS: Final = (10, 64, 500)
_ID_LENGTHS: Final = 50
_DIGITS: Final = 9
_PRODUCERS: Final = 6
_SEPARATORS: Final = ((",", ":"), (", ", ": "), (" , ", " : "))


def run(directory: Path, *, trades_count: int, accounts: int) -> dict[str, Any]:
    """Measure so many trades of each kind. Returns the fields of the line."""
    before = write_lines(directory / "opening.jsonl", opening(accounts))
    with EmbeddedServer(directory / "data") as server:
        migrate(server.url)
        with EmbeddedRun(server.url) as embedded:
            clear_file(embedded, before)
        rates: dict[str, float] = {}
        for number, (name, lines) in enumerate(_files(trades_count, accounts)):
            path = write_lines(directory / f"{number}.jsonl", lines)
            with EmbeddedRun(server.url) as embedded:
                rates[name] = trades_count / clear_file(embedded, path).wall
                assert embedded.tally.trades == trades_count, f"{name}: {embedded.tally.refused}"
    one = 2 / (1 / rates.pop("before") + 1 / rates.pop("after"))
    return line_of(
        "layouts",
        [Figure(name, "trades/s", rate, one, 0.5, "at_least") for name, rate in rates.items()],
        trades=trades_count,
        accounts=accounts,
        lines_a_batch=LINES_A_BLOCK,
    )


def _files(count: int, accounts: int) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The name and the lines of each file."""
    files = [iter(trades(count, accounts, first=number * count)) for number in range(6)]
    yield "before", files[0]
    for lines, layouts in zip(files[1:], COUNTS, strict=False):
        yield f"layouts_{layouts}", map(_laid_out, lines, cycle(range(layouts)))
    yield "foreign", map(_foreign, files[4], cycle(range(_PRODUCERS)))
    yield "after", files[5]


def _laid_out(line: bytes, layout: int) -> bytes:
    """The trade with a longer id, and other decimals of its second."""
    fields = json.loads(line)
    fields["trade_id"] += "x" * (layout % _ID_LENGTHS)
    second, _, decimals = fields["executed_at"].removesuffix("Z").partition(".")
    digits = f"{decimals}000"[: _DIGITS - layout // _ID_LENGTHS]
    fields["executed_at"] = f"{second}.{digits}Z" if digits else f"{second}Z"
    return json.dumps(fields).encode()


def _foreign(line: bytes, producer: int) -> bytes:
    """The trade as one of six producers writes it."""
    fields = [*json.loads(line).items()]
    turned = fields[::-1] if producer % 2 else fields[3:] + fields[:3]
    return json.dumps(dict(turned), separators=_SEPARATORS[producer // 2]).encode()
