"""Log lines as JSON: time, level, shard and row, logger, message; no trouble twice in a second."""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import Final

# Fields of a line beside its message, where the caller gives them.
_FIELDS: Final = ("shard", "seq")
_SAME_S: Final = 1.0
_OURS: Final = __name__.partition(".")[0]
_LIBRARIES: Final = ("aiokafka", "kafka", "faust", "mode")


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower()}
        line |= {name: getattr(record, name, None) for name in _FIELDS}
        line |= {"from": record.name, "said": record.getMessage()}
        if record.exc_info is not None:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


class OncePerSecond(logging.Filter):
    """Of warnings and errors about the same trouble one a second; the next says how many were not.

    The same are lines of one place in our program about the same shard, and all that a library says
    at one level: aiokafka has five lines for a broker that is away, some fifty times a second.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._passed: dict[tuple[object, ...], float] = {}
        self._stopped: Counter[tuple[object, ...]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line passes."""
        if not logging.WARNING <= record.levelno < logging.CRITICAL:
            return True
        now, trouble = self._clock(), _trouble_of(record)
        if now - self._passed.get(trouble, -inf) < _SAME_S:
            self._stopped[trouble] += 1
            return False
        self._passed[trouble] = now
        if count := self._stopped.pop(trouble, 0):
            record.msg, record.args = f"{record.getMessage()} (and {count} more before)", ()
        return True


def _trouble_of(record: logging.LogRecord) -> tuple[object, ...]:
    package = record.name.partition(".")[0]
    if package != _OURS:
        return package, record.levelno
    return record.name, record.lineno, getattr(record, "shard", None)


def log_lines(level: str) -> None:
    """Log to standard error from now on; of the libraries only warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(OncePerSecond())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
