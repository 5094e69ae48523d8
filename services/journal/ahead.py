"""Blocks fetched while the one before is worked on: the database and we use a core each.

In: an iterator of blocks. Out: the same blocks; the next is asked for in a thread before one is
given. Errors of the iterator come out where its block would have.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Block = TypeVar("_Block")


def ahead(blocks: Generator[_Block, None, None]) -> Generator[_Block, None, None]:
    """The blocks, each fetched while the one before is in use; closes the iterator at the end."""
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
            pending = pool.submit(next, blocks, None)
            while (block := pending.result()) is not None:
                pending = pool.submit(next, blocks, None)
                yield block
    finally:
        blocks.close()
