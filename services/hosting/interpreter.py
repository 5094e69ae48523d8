"""Settings of the interpreter for a running clearinghouse: garbage collector, threads, memory.

In: nothing. Out: a context manager that sets garbage collector and thread switch interval for a
long run of trades, and restores them; a setting of malloc that returns freed memory at once.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

# The core makes no cycles of references: by default the collector walks the rows of a batch, again
# and again, for a quarter of the time of a trade. It still runs, once for about six batches in
# their youth, so that cycles of a library's errors go too.
YOUNG_MAX: Final = 200_000
# The thread that writes asks for the interpreter a dozen times a batch; at the default of 5 ms each
# the next batch would be decided before this one is on its way.
_SWITCH_SECONDS: Final = 0.000_5

# M_MMAP_THRESHOLD of glibc's malloc.h, and the size of a large array. The columns of a block of
# trades are smaller and are used again: at 1 MB each would be new memory, a twelfth of the CPU.
MALLOPT_MMAP_THRESHOLD: Final = -3
LARGE_BYTES: Final = 4 << 20


@contextmanager
def paced() -> Iterator[None]:
    """Set collector and switch interval; the collector never walks books restored before."""
    young, *older = gc.get_threshold()
    switch = sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, *older)
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(switch)
        gc.set_threshold(young, *older)
        gc.unfreeze()


def return_freed_memory() -> None:
    """Return the memory of large arrays when they are freed, as those of a close of many accounts.

    By default glibc, once a large array is freed, keeps smaller ones, up to 32 MB, scattered as
    they are. Other C libraries have no such call; there nothing is done.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(MALLOPT_MMAP_THRESHOLD, LARGE_BYTES)
