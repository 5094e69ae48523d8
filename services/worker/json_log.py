"""Log lines as JSON: time, level, shard and row, logger, message."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

# Fields of a line beside its message, where the caller gives them.
_FIELDS: Final = ("shard", "seq")
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


def log_lines(level: str) -> None:
    """Log to standard error from now on; of the libraries only warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
