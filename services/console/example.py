"""The example under every `--help`."""

from __future__ import annotations


def example(*lines: str) -> str:
    """The example as click prints it: its lines as they are."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])
