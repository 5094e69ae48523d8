"""The model of every fact: strict, frozen, in the past tense, with its event time (WIRE §3)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from events.wire_fields import StatedInstant


class Fact(BaseModel):
    """A recorded event. TYPE: its name on the wire."""

    # Built when first used, as those of commands.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)
    TYPE: ClassVar[str]
    at: StatedInstant
