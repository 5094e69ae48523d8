"""Waits until shards have decided what was sent: their heads in the journal say how far they are.

In: the journal, an offset of an inbox or the number of a control command. Out: the call returns
when that is durable. While the database does not answer it waits, as for a shard that stands still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

from services.feed.stall import StallTimer
from services.hosting.control_history import restore_control
from services.journal.reader import Head, Reader
from services.journal.trouble import DatabaseGone, DatabaseOverloaded, DatabaseUnreachable
from services.shards.control_commands import put_in_use, standing_command
from services.shards.routing import MEMBER_SHARD, market_shard

# Between two readings: first as short as a fast worker needs, then cheap for the database.
_POLL_S: Final = 0.003
_POLL_S_MAX: Final = 0.05
# The database does not answer: the same again may work.
GONE: Final = (DatabaseGone, DatabaseUnreachable, DatabaseOverloaded)

Heads = Mapping[str, Head]
Sleep = Callable[[float], Awaitable[None]]


class HeadSource(Protocol):
    """The part of the journal's reader that a wait needs."""

    def heads(self) -> Heads:
        """The head of each shard."""
        ...

    def products(self) -> list[str]:
        """The products in use."""
        ...


class JournalHeads:
    """Reads heads and products from the journal; connects again when the connection broke."""

    def __init__(self, url: str) -> None:
        """Connect. Errors: those of the journal."""
        self._url = url
        self._reader: Reader | None = Reader(url)
        control = restore_control(self._reader)
        self._number, self._products = control.number, control.products

    def heads(self) -> Heads:
        """The head of each shard."""
        with self._connected() as reader:
            return reader.heads()

    def products(self) -> list[str]:
        """The products that control commands have put in use so far."""
        with self._connected() as reader:
            for row in reader.numbered(after=self._number):
                product = put_in_use(standing_command(row.line))
                if product is not None and product not in self._products:
                    self._products.append(product)
                self._number = row.number
        return list(self._products)

    def close(self) -> None:
        """Close the connection; the next reading opens a new one."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @contextmanager
    def _connected(self) -> Iterator[Reader]:
        try:
            if self._reader is None:
                self._reader = Reader(self._url)
            yield self._reader
        except GONE:
            self.close()
            raise


class ShardWaiter:
    """Waits for shards by reading their heads."""

    def __init__(
        self, journal: HeadSource, stall: StallTimer, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._journal = journal
        self._stall = stall
        self._sleep = sleep

    async def until_decided(self, shard: str, offset: int) -> Head:
        """Wait until a shard has decided the message at an offset; gives its head then."""

        def behind(heads: Heads) -> dict[str, str]:
            next_offset = heads[shard].next_offset if shard in heads else 0
            return {} if next_offset > offset else {shard: f"has taken {next_offset} messages"}

        heads = await self._until(behind, awaited=f"message {offset} of {shard}")
        return heads[shard]

    async def until_known(self, number: int) -> list[str]:
        """Wait until every shard in use has control command `number`; gives the products then."""
        products: list[str] = []

        def behind(heads: Heads) -> dict[str, str]:
            products[:] = self._journal.products()
            shards = [*map(market_shard, sorted(products)), MEMBER_SHARD]
            return {
                shard: f"has {heads[shard].control_number}" if shard in heads else "has not begun"
                for shard in shards
                if shard not in heads or heads[shard].control_number < number
            }

        await self._until(behind, awaited=f"control command {number}")
        return products

    async def _until(self, behind: Callable[[Heads], dict[str, str]], *, awaited: str) -> Heads:
        """behind: the shards that are not there yet, each with how far it is."""

        def read() -> tuple[Heads, dict[str, str]]:
            heads = self._journal.heads()
            return heads, behind(heads)

        pause = _POLL_S
        self._stall.restart()
        while True:
            try:
                heads, missing = await asyncio.to_thread(read)
            except GONE as trouble:
                self._stall.check(None, f"{trouble} — it is tried again")
            else:
                if not missing:
                    return heads
                offsets = [(shard, heads[shard].next_offset) for shard in missing if shard in heads]
                texts = ", ".join(f"{shard} {how_far}" for shard, how_far in missing.items())
                text = f"{awaited} is awaited, {texts}; does a worker run for it?"
                self._stall.check((awaited, offsets), text)
            await self._sleep(pause)
            pause = min(2 * pause, _POLL_S_MAX)
