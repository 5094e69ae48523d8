"""Blocks fetched ahead: the database works on the next block while Python works on this one.

In: an iterator of blocks. Out: the same blocks; a thread fetches the next before one is given.
Errors of the iterator are raised in the place of its block.
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
