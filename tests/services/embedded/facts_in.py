"""The facts of a journal as WIRE has them."""

from __future__ import annotations

import json
from typing import Any

from services.journal.reader import Reader


def facts_in(url: str) -> list[dict[str, Any]]:
    """All facts in the order they were decided."""
    with Reader(url) as reader:
        pieces = [piece.facts for block in reader.facts() for piece in block if piece.facts]
    return [json.loads(line) for piece in pieces for line in piece.split(b"\n")]
