"""The command by which a market worked by hand is margined by the model paper."""

from __future__ import annotations

import json
from typing import Any, Final

BY_PAPER: Final[dict[str, Any]] = {
    "type": "configure/1", "parameter": "margin_model", "product": None, "value": "paper",
    "effective_date": "2020-01-01", "at": "2020-01-01T00:00:00Z",
}  # fmt: skip
BY_PAPER_LINE: Final = json.dumps(BY_PAPER, separators=(",", ":")).encode()
