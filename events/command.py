"""What every command is: strict, frozen, unknown fields refused (WIRE §1)."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

CONTROL: Final = "control"
MARKET: Final = "market"
MEMBER: Final = "member"


class Command(BaseModel):
    """What somebody outside asks for. `TYPE` is its name on the wire, `SHARD` where it goes."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    TYPE: ClassVar[str]
    SHARD: ClassVar[str]

    @property
    def event_time(self) -> int:
        """When it happened, by its own word: `executed_at` of a trade, `at` of any other."""
        return self.at  # type: ignore[attr-defined,no-any-return]

    @property
    def subject(self) -> str | None:
        """What a refusal calls it by (WIRE §3, command_refused)."""
        return None
