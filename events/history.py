"""The history hash of a shard: its byte layout (WIRE §3, `day_closed`; RULEBOOK §9, law 11).

In: the inputs of a shard in order, the exact bytes and the facts of each. Out: 32 bytes at each
close, which commit to every input until then. Layout, all integers big-endian:

    domain  "token-clearinghouse/history"   length as u16, bytes
    version u16
    shard   length as u16, bytes
    before  32 bytes, the history hash of the close before (zeros for the first)

and then of each input since that close, up to and with the one that closes the day:

    length of the input u32, number of its facts u32
    input   bytes
    facts   of each a line feed, and its canonical bytes without the member `seq`

An input is a row of the journal: a command in the shard's inbox, accepted, refused or known before;
the copy of a control command that stands, which has the bytes of that command; row 0, which has no
bytes. What makes no row is none: an empty line, a copy delivered again, the links of the markets.
Left out are origin, position and logical time, by which one process and workers differ, the time of
receipt, `seq`, the parts into which facts are cut, and the `day_closed` that states the hash. So
the same commands have the same hash embedded and on Kafka, whatever the batches. A message that
only Kafka can bring (a wrong key, a forged copy, an unreadable batch) is an input like any other,
by the bytes that the journal keeps of it; its refusal is among its facts.

The rows and any SHA-256 suffice to check it: tests/laws.py does it in a few lines of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from struct import Struct
from typing import Final

import numpy as np

from events.control_facts import DayClosed
from events.fact_text import fact_head
from events.int64 import IntArray
from events.quoted_texts import QuotedTexts
from events.texts import DIGITS, Texts, decimals, joined_in_one, records, runs_between

HISTORY_VERSION: Final = 1

_DOMAIN: Final = b"token-clearinghouse/history"
_U16: Final = Struct(">H")
_DAY_CLOSED: Final = fact_head(DayClosed)
_SEQ: Final = b',"seq":'
_AT: Final = b',"at":"'
# Of quotation marks in a fact.
_MARKS_BEFORE_SEQ: Final = 8
_MARKS_BEFORE_AT: Final = 10
_LINE_FEED: Final = ord("\n")
INPUT_NUMBERS: Final = Struct(">II")


class InputHistory:
    """The inputs of a shard since its last close, being hashed. before: the hash at that close."""

    __slots__ = ("_hashed", "_shard", "before")

    def __init__(self, shard: str, before: bytes = bytes(32)) -> None:
        self._shard = shard
        self.before = before
        self._begin()

    def add_rows(self, seqs: IntArray, lines: Texts, *, quoted: QuotedTexts) -> None:
        """The next recorded inputs: their seqs, bytes and facts."""
        facts, (heads, rests) = quoted.texts, _split_at_seq(seqs, quoted)
        for rows in runs_between(np.flatnonzero(heads.lengths == 0).tolist(), len(seqs)):
            if isinstance(rows, slice):
                self.add_column(lines[rows], heads[rows], rests=rests[rows])
            else:
                self.add_row(lines[rows], facts[rows], seq=int(seqs[rows]))

    def add(self, line: bytes, blocks: Sequence[bytes], *, seq: int, count: int) -> None:
        """The next input. blocks: its so many facts, several in a block joined by line feeds."""
        self._hashed.update(INPUT_NUMBERS.pack(len(line), count) + line)
        for block in blocks:
            self._hashed.update(b"\n")
            self._hashed.update(without_seq(block, seq))

    def add_row(self, line: bytes, facts: bytes, *, seq: int) -> None:
        """The next recorded input; one that closed a day goes without its last fact, and closes."""
        last = facts.rfind(b"\n") + 1
        is_close = facts.startswith(_DAY_CLOSED, last)
        stated = facts[: max(last - 1, 0)] if is_close else facts
        blocks = [stated] if stated else []
        self.add(line, blocks, seq=seq, count=stated.count(b"\n") + len(blocks))
        if is_close:
            self.close()

    def add_column(self, lines: Texts, heads: Texts, *, rests: Texts) -> None:
        """Inputs with one fact each. heads, rests: the facts before and behind the row's `seq`."""
        numbers = records(len(lines), (">u4", lines.lengths), (">u4", 1))
        starts = Texts(heads.buffer, heads.starts, heads.ends - len(_SEQ))
        pieces = (numbers, lines, b"\n", starts, rests)
        self._hashed.update(joined_in_one(pieces))

    def close(self) -> bytes:
        """The history hash with the input last added; the next input comes after this close."""
        self.before = self._hashed.digest()
        self._begin()
        return self.before

    def _begin(self) -> None:
        shard = self._shard.encode()
        head = _U16.pack(len(_DOMAIN)) + _DOMAIN + _U16.pack(HISTORY_VERSION)
        self._hashed = hashlib.sha256(head + _U16.pack(len(shard)) + shard + self.before)


def _split_at_seq(seqs: IntArray, quoted: QuotedTexts) -> tuple[Texts, Texts]:
    """Facts before and behind the number of their row.

    Both are empty where a row has not just one fact, or that has another number or closes a day.
    """
    facts = quoted.texts
    rows = np.flatnonzero(quoted.counts > _MARKS_BEFORE_AT)
    first = quoted.first[rows]
    begins = quoted.marks[first + _MARKS_BEFORE_SEQ] - 1
    ends = quoted.marks[first + _MARKS_BEFORE_AT] - 1
    # Only where all of it fits into the fact may its bytes be looked at.
    fits = (ends - begins > len(_SEQ)) & (ends + len(_AT) <= facts.ends[rows])
    rows, begins, ends = rows[fits], begins[fits], ends[fits]
    single, stated = facts[rows], seqs[rows]
    digits = Texts(facts.buffer, begins + len(_SEQ), ends)
    fits = digits.lengths == decimals(stated).lengths
    fits &= Texts(facts.buffer, begins, ends).equal(_SEQ)
    fits &= Texts(facts.buffer, ends, single.ends).equal(_AT)
    fits &= ~single.equal(_DAY_CLOSED) & ~single.contain(_LINE_FEED) & digits.consist_of(DIGITS)
    fits[fits] = digits[fits].numbers() == stated[fits]
    cuts = np.repeat(facts.starts[None], 3, axis=0)
    cuts[:, rows[fits]] = digits.starts[fits], digits.ends[fits], single.ends[fits]
    head_ends, rest_starts, rest_ends = cuts
    return Texts(facts.buffer, facts.starts, head_ends), Texts(facts.buffer, rest_starts, rest_ends)


def closes_day(facts: bytes) -> bool:
    """True for the fact that closes a day, which is the last of its row."""
    return facts.startswith(_DAY_CLOSED)


def without_seq(facts: bytes, seq: int) -> bytes:
    """Facts of one row without the member `seq`; nowhere else do these bytes stand in a fact."""
    return facts.replace(b',"seq":%d,"at":' % seq, b',"at":')
