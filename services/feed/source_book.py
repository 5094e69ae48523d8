"""The point up to which a source is fed, so that the same feed again goes on exactly there.

In: a claim on the source, its lines as they are sent. Out: those that were not fed before, and a
row of `clearing.feed` at each point where Kafka has all lines up to it and every shard knows their
control commands. Behind the last such point lie lines between two control commands, and the first
of these: which shard each went to follows from the products recorded there. What Kafka has of them
tells `delivered.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.feed.delivered import delivered_lines
from services.feed.sent_account import ProducerIdentity, SentAccount
from services.feed.stall import StallTimer
from services.feed.waiting import GONE
from services.journal.fed_sources import FedSource, FeedClaim, Sent
from services.journal.reader import Inbox
from services.settings import Settings
from services.sources.lines import Lines
from services.sources.source import SourceTrouble

_RETRY_S: Final = 0.5
_ANEW: Final = "name it with --source to feed it as another one"


class SourceBook:
    """The book of one source. first: the line that is read first."""

    def __init__(self, claim: FeedClaim, source: str, *, first: int, stall: StallTimer) -> None:
        """Errors: SourceTrouble when the source was fed from another line on."""
        self._claim = claim
        self._source = source
        self._first = first
        self._stall = stall
        self._before = _gone_on_with(claim.recorded, source, first=first)
        self._account: SentAccount | None = None
        # None until the lines that were fed before are read again.
        self._digest: Any = None
        self.line = first - 1
        self._lines = 0
        if self._before is None or not self._before.lines:
            self._digest = hashlib.sha256()
        else:
            self.line, self._lines = self._before.line, self._before.lines

    def products(self, in_use: list[str]) -> list[str]:
        """The products by which lines are sent: those recorded, of a new source those in use."""
        return in_use if self._before is None else [*self._before.products]

    async def account(self, settings: Settings, ends: Mapping[Inbox, int]) -> SentAccount:
        """What the source has in Kafka. ends: the next offset of each inbox.

        Errors: BrokerTrouble.
        """
        before = self._before
        if before is None:
            sent = {inbox.shard: Sent(0, end) for inbox, end in ends.items()}
            self._account = SentAccount(self._source, sent)
            return self._account
        delivered = None if before.is_whole else await delivered_lines(settings, before, ends=ends)
        self._account = SentAccount(self._source, before.sent, delivered=delivered)
        self._account.identity = ProducerIdentity(before.producer_id, before.producer_epoch)
        return self._account

    def unread(self, groups: Iterator[Lines]) -> Iterator[Lines]:
        """The lines that were not fed before.

        Errors: SourceTrouble when those before them are not the ones that were fed.
        """
        if self._digest is not None:
            yield from groups
            return
        assert self._before is not None, self._source
        missing, digest = self._before.lines, hashlib.sha256()
        for lines, numbers, end in groups:
            count = min(missing, len(lines))
            _add(digest, lines[:count])
            missing -= count
            if not missing and self._digest is None:
                if digest.digest() != self._before.sha256:
                    msg = (
                        f"the lines of source {self._source} up to {self.line} are not those fed "
                        f"before: it is another file, was changed, or is read with other options "
                        f"(--csv and what goes with it); {_ANEW}"
                    )
                    raise SourceTrouble(msg)
                self._digest = digest
            yield Lines(lines[count:], numbers[count:], end)
        if missing:
            msg = (
                f"source {self._source} was fed up to line {self.line} before, this one ends "
                f"{missing} lines earlier: it is another file or was changed; {_ANEW}"
            )
            raise SourceTrouble(msg)

    def add(self, lines: Sequence[bytes], number: int) -> None:
        """Lines were sent behind those before. number: of the last of them."""
        _add(self._digest, lines)
        self._lines += len(lines)
        self.line = number

    async def keep(self, products: list[str], *, is_whole: bool = False) -> None:
        """Record that Kafka has all lines so far; waits for the database.

        products: by which the next lines are sent; is_whole: no line behind them is on its way.
        Errors: FencedOff when another feed of the source runs, Stalled.
        """
        if self._digest is None or self._account is None or self._account.identity is None:
            return
        fed = FedSource(
            *self._account.identity,
            first=self._first,
            line=self.line,
            lines=self._lines,
            sha256=self._digest.digest(),
            products=products,
            sent=self._account.sent,
            is_whole=is_whole,
        )
        while True:
            try:
                await asyncio.to_thread(self._claim.save, fed)
            except GONE as gone:
                self._stall.check(fed.line, f"the database, to record what is fed ({gone})")
                await asyncio.sleep(_RETRY_S)
            else:
                return


def _add(digest: Any, lines: Sequence[bytes]) -> None:  # noqa: ANN401 - hashlib has no name for it
    if lines:
        digest.update(b"\n".join(lines))
        digest.update(b"\n")


def _gone_on_with(recorded: FedSource | None, source: str, *, first: int) -> FedSource | None:
    """The record to go on from; with a later first line its lines are not read again."""
    if recorded is None or first == recorded.first:
        return recorded
    if first > recorded.line and recorded.is_whole:
        return FedSource(
            recorded.producer_id,
            recorded.producer_epoch,
            first=first,
            line=first - 1,
            lines=0,
            sha256=b"",
            products=recorded.products,
            sent=recorded.sent,
            is_whole=True,
        )
    same = f"--from-line {recorded.first}" if recorded.first > 1 else "no --from-line"
    msg = (
        f"source {source} was fed up to line {recorded.line}: with {same} it goes on there, with a "
        f"later line it leaves out what is between once that has ended; {_ANEW}"
    )
    raise SourceTrouble(msg)
