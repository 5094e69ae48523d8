"""How the interpreter works while a clearinghouse runs: its collector, threads and memory.

In: nothing. Out: a context in which both are set for a stream of trades, and as they were after it;
freed memory that goes back at once.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

# The core makes no cycles of references: what the collector walks by default is the rows of a
# batch, again and again, for a quarter of the time of a trade. It still runs, once for about six
# batches in their youth, so that cycles of a library's errors go too.
_YOUNG_MAX: Final = 200_000
# The thread that writes asks for the interpreter a dozen times a batch; at the default of 5 ms each
# the next batch would be decided before this one is on its way.
_SWITCH_SECONDS: Final = 0.000_5

# M_MMAP_THRESHOLD of glibc's malloc.h, and from which size on an array is large.
MALLOPT_MMAP_THRESHOLD: Final = -3
LARGE_BYTES: Final = 1 << 20


@contextmanager
def paced() -> Iterator[None]:
    """Set the pace; the books restored before it are never walked."""
    young, *older = gc.get_threshold()
    switch = sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(_YOUNG_MAX, *older)
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(switch)
        gc.set_threshold(young, *older)
        gc.unfreeze()


def return_freed_memory() -> None:
    """Let go of large arrays when they are freed: a sixth of the memory of a long clear.

    glibc learns from the first large array that is freed to keep those that are smaller, up to
    32 MB, scattered as they are. Elsewhere there is no such call, and nothing is done.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(MALLOPT_MMAP_THRESHOLD, LARGE_BYTES)
