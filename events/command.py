"""The model of every command: strict, frozen, unknown fields refused (WIRE §1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

CONTROL: Final = "control"
MARKET: Final = "market"
MEMBER: Final = "member"

# Kinds of ids that are remembered for ever (RULEBOOK §3); an id is unique in its shard.
TRADE: Final = "trade"
TRANSFER: Final = "transfer"
REFERENCE: Final = "reference"


class Command(BaseModel):
    """A request from outside.

    TYPE: its name on the wire; SHARD: the kind of its shard; SUBJECT: the fields that are the
    reference of a refusal (WIRE §3, command_refused); ID_KIND: the kind of the id under which the
    command is remembered for ever; NAMED_KIND: the kind of the id of an earlier command that it
    names. Both ids are its subject.
    """

    # Built when first read, under a lock: a program that starts uses few of a hundred models.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)
    TYPE: ClassVar[str]
    SHARD: ClassVar[str]
    SUBJECT: ClassVar[tuple[str, ...]] = ()
    ID_KIND: ClassVar[str] = ""
    NAMED_KIND: ClassVar[str] = ""

    @property
    def event_time(self) -> int:
        """The time stated by the sender: `executed_at` of a trade, `at` of any other command."""
        return self.at  # type: ignore[attr-defined,no-any-return]

    @property
    def subject(self) -> str | None:
        """The reference by which a refusal names the command."""
        return "/".join([str(getattr(self, name)) for name in self.SUBJECT]) or None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A command that cannot be read. kind: its type; None if that is unreadable or unknown."""

    detail: str
    kind: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


def content(command: Command) -> tuple[Any, ...]:
    """The normalised values: commands of equal content are repeats (RULEBOOK §3)."""
    return (command.TYPE, *(getattr(command, field) for field in type(command).model_fields))
