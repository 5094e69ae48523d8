"""Lines of log as JSON: when, how grave, which shard and row, what."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

# What a line says beside its message, where the caller knows it.
_PLACES: Final = ("shard", "seq")
_LIBRARIES: Final = ("aiokafka", "kafka", "faust", "mode")


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower()}
        line |= {name: getattr(record, name, None) for name in _PLACES}
        line |= {"from": record.name, "said": record.getMessage()}
        if record.exc_info is not None:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_lines(level: str) -> None:
    """Log to standard error from now on; libraries say only what is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
