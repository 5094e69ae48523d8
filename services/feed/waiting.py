"""Waiting until shards have taken what was sent: their heads in the journal say how far they are.

In: the journal, an offset of an inbox or the number of a control command. Out: a return when it is
durable where it must be. A database that goes away is waited for like a shard that does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

from services.feed.stall import Stillness
from services.hosting.control_history import restore_control
from services.journal.reader import Head, Reader
from services.journal.trouble import DatabaseGone, DatabaseOverloaded, DatabaseUnreachable
from services.shards.control_commands import put_in_use, standing_command
from services.shards.routing import MEMBER_SHARD, market_shard

# Between two looks: from what a fast worker needs to what costs the database nothing.
_LOOK_S: Final = 0.003
_LOOK_S_MAX: Final = 0.05
_GONE: Final = (DatabaseGone, DatabaseUnreachable, DatabaseOverloaded)

Heads = Mapping[str, Head]
Sleep = Callable[[float], Awaitable[None]]


class Asked(Protocol):
    """What is asked of the journal."""

    def heads(self) -> Heads:
        """Where each shard stands."""
        ...

    def products(self) -> list[str]:
        """The products in use."""
        ...


class JournalHeads:
    """The journal's answers, on a connection that is made anew when it broke."""

    def __init__(self, url: str) -> None:
        """Connect. Errors: those of the journal."""
        self._url = url
        self._reader: Reader | None = Reader(url)
        control = restore_control(self._reader)
        self._number, self._products = control.number, control.products

    def heads(self) -> Heads:
        """Where each shard stands."""
        with self._asked() as reader:
            return reader.heads()

    def products(self) -> list[str]:
        """The products that control commands have put in use so far."""
        with self._asked() as reader:
            for row in reader.numbered(after=self._number):
                product = put_in_use(standing_command(row.line))
                if product is not None and product not in self._products:
                    self._products.append(product)
                self._number = row.number
        return list(self._products)

    def close(self) -> None:
        """Let the connection go; who asks again gets a new one."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @contextmanager
    def _asked(self) -> Iterator[Reader]:
        try:
            if self._reader is None:
                self._reader = Reader(self._url)
            yield self._reader
        except _GONE:
            self.close()
            raise


class Waiting:
    """Waits for shards, by looking at their heads."""

    def __init__(
        self, journal: Asked, stillness: Stillness, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._journal = journal
        self._stillness = stillness
        self._sleep = sleep

    async def until_decided(self, shard: str, offset: int) -> Head:
        """Until a shard has decided the message at an offset; where it stands then."""

        def behind(heads: Heads) -> dict[str, str]:
            next_offset = heads[shard].next_offset if shard in heads else 0
            return {} if next_offset > offset else {shard: f"has taken {next_offset} messages"}

        heads = await self._until(behind, wanted=f"message {offset} of {shard}")
        return heads[shard]

    async def until_known(self, number: int) -> list[str]:
        """Until every shard in use has control command `number`; the products in use then."""
        products: list[str] = []

        def behind(heads: Heads) -> dict[str, str]:
            products[:] = self._journal.products()
            owed = [*map(market_shard, sorted(products)), MEMBER_SHARD]
            return {
                shard: f"has {heads[shard].control_number}" if shard in heads else "has not begun"
                for shard in owed
                if shard not in heads or heads[shard].control_number < number
            }

        await self._until(behind, wanted=f"control command {number}")
        return products

    async def _until(self, behind: Callable[[Heads], dict[str, str]], *, wanted: str) -> Heads:
        """behind: the shards that are not there yet, each with how far it is."""

        def look() -> tuple[Heads, dict[str, str]]:
            heads = self._journal.heads()
            return heads, behind(heads)

        pause = _LOOK_S
        self._stillness.begin()
        while True:
            try:
                heads, lacking = await asyncio.to_thread(look)
            except _GONE as trouble:
                self._stillness.look(None, f"{trouble} — it is tried again")
            else:
                if not lacking:
                    return heads
                places = [(one, heads[one].next_offset) for one in lacking if one in heads]
                said = ", ".join(f"{shard} {how_far}" for shard, how_far in lacking.items())
                awaited = f"{wanted} is awaited, {said}; does a worker run for it?"
                self._stillness.look((wanted, places), awaited)
            await self._sleep(pause)
            pause = min(2 * pause, _LOOK_S_MAX)
