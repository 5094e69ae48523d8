"""What every command is: strict, frozen, unknown fields refused (WIRE §1)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

CONTROL: Final = "control"
MARKET: Final = "market"
MEMBER: Final = "member"


class Command(BaseModel):
    """What somebody outside asks for.

    TYPE: its name on the wire; SHARD: where it goes; SUBJECT: the fields by which a refusal names
    it (WIRE §3, command_refused).
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    TYPE: ClassVar[str]
    SHARD: ClassVar[str]
    SUBJECT: ClassVar[tuple[str, ...]] = ()

    @property
    def event_time(self) -> int:
        """When it happened, by its own word: `executed_at` of a trade, `at` of any other."""
        return self.at  # type: ignore[attr-defined,no-any-return]

    @property
    def subject(self) -> str | None:
        """What a refusal calls it by."""
        return "/".join(str(getattr(self, name)) for name in self.SUBJECT) or None


def content(command: Command) -> tuple[Any, ...]:
    """The normalised values: two commands of one content ask for the same (RULEBOOK §3)."""
    return (command.TYPE, *(getattr(command, field) for field in type(command).model_fields))
