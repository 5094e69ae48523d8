"""A journal row as reports read it: its facts by their types.

In: a row, and what reads the further parts of its facts. Out: facts as they stand on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from pydantic_core import from_json

from events.control_commands import CLOSE_CYCLE, CloseSession, RunCycle
from services.reports.report import ReportFact

FACT_HEAD: Final = b'{"type":"'
_ACCOUNT: Final = b'"account":"'


# Not frozen: a frozen one takes five times as long to make, and a market has many rows.
@dataclass(slots=True, eq=False)
class StoredRow:
    """A journal row. first: the first part of its facts; later_parts: gives the others, if any."""

    shard: str
    seq: int
    business_date: date
    origin: str
    position: int
    decided: int
    line: bytes
    chain: bytes
    first: bytes
    later_parts: Callable[[], Iterator[bytes]] | None

    @property
    def command_type(self) -> str:
        """The type of the row's command, of a row that has a readable one."""
        return str(json.loads(self.line)["type"])

    @property
    def cycle(self) -> str | None:
        """The name of the cycle that the row's command orders; None for any other command."""
        command = json.loads(self.line)
        if command["type"] == CloseSession.TYPE:
            return CLOSE_CYCLE
        return str(command["cycle"]) if command["type"] == RunCycle.TYPE else None

    def facts(
        self,
        *starts: bytes,
        naming: str | None = None,
        accounts: Collection[bytes] | None = None,
        words: Sequence[bytes] = (),
    ) -> Iterator[ReportFact]:
        """The facts whose type begins so, in order.

        naming: only lines with this name; accounts: only those of these, and those of no account;
        words: only lines with one of these.
        """
        heads = tuple([FACT_HEAD + start for start in starts])
        for part in self._parts():
            lines = [line for line in part.split(b"\n") if line.startswith(heads)]
            if naming is not None:
                named = f'"{naming}"'.encode()
                lines = [line for line in lines if named in line]
            if words:
                lines = [line for line in lines if any(map(line.__contains__, words))]
            if accounts is not None:
                lines = [line for line in lines if _is_of(line, accounts)]
            if lines:
                yield from from_json(b"[%b]" % b",".join(lines))

    def _parts(self) -> Iterator[bytes]:
        yield self.first
        if self.later_parts is not None:
            yield from self.later_parts()


def _is_of(line: bytes, accounts: Collection[bytes]) -> bool:
    _, has_account, after = line.partition(_ACCOUNT)
    return not has_account or after.partition(b'"')[0] in accounts
