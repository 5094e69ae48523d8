"""What every command is: strict, frozen, unknown fields refused (WIRE §1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

CONTROL: Final = "control"
MARKET: Final = "market"
MEMBER: Final = "member"

# Kinds of ids that are remembered for ever (RULEBOOK §3); each is unique in its shard.
TRADE: Final = "trade"
TRANSFER: Final = "transfer"
REFERENCE: Final = "reference"


class Command(BaseModel):
    """What somebody outside asks for.

    TYPE: its name on the wire; SHARD: where it goes; SUBJECT: the fields by which a refusal names
    it (WIRE §3, command_refused); ID_KIND: of the id under which it is remembered for ever;
    NAMED_KIND: of the id of another command that it names. Both ids are its subject.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    TYPE: ClassVar[str]
    SHARD: ClassVar[str]
    SUBJECT: ClassVar[tuple[str, ...]] = ()
    ID_KIND: ClassVar[str] = ""
    NAMED_KIND: ClassVar[str] = ""

    @property
    def event_time(self) -> int:
        """When it happened, by its own word: `executed_at` of a trade, `at` of any other."""
        return self.at  # type: ignore[attr-defined,no-any-return]

    @property
    def subject(self) -> str | None:
        """What a refusal calls it by."""
        return "/".join(str(getattr(self, name)) for name in self.SUBJECT) or None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A command that cannot be read. `kind` is its type when that could be read and is known."""

    detail: str
    kind: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


def content(command: Command) -> tuple[Any, ...]:
    """The normalised values: two commands of one content ask for the same (RULEBOOK §3)."""
    return (command.TYPE, *(getattr(command, field) for field in type(command).model_fields))
