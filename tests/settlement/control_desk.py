"""Control books that decide commands as `control/0` does, with its answers."""

from __future__ import annotations

import json

from events.codec import decode_command
from events.control_commands import ControlCommand, RunCycle
from events.refusals import Refusal
from settlement.control_books import ControlBooks, apply_control, apply_cycle_refused
from settlement.control_rules import refuse_control
from settlement.repeats import Repeated

NIGHT = "2026-06-08T00:00:00Z"


def command(kind: str, *, at: str = NIGHT, **fields: object) -> ControlCommand:
    """A command, read from its line."""
    decoded = decode_command(json.dumps({"type": f"{kind}/1", **fields, "at": at}).encode())
    assert isinstance(decoded, ControlCommand), decoded
    return decoded


class ControlDesk:
    """Control books that answer commands."""

    def __init__(self) -> None:
        self.books = ControlBooks()

    def send(self, kind: str, *, at: str = NIGHT, **fields: object) -> str:
        """Decide a command: `stands`, `repeated`, or the reason of its refusal."""
        ordered = command(kind, at=at, **fields)
        answer = refuse_control(self.books, ordered)
        if isinstance(answer, Refusal):
            if isinstance(ordered, RunCycle):
                apply_cycle_refused(self.books, ordered, refusal=answer)
            return answer.reason.value
        if isinstance(answer, Repeated):
            return "repeated"
        apply_control(self.books, ordered)
        return "stands"

    def admit(self, member: str, *, name: str = "Member", at: str = NIGHT) -> str:
        """Admit a member."""
        return self.send("admit_member", member=member, name=name, at=at)

    def open(self, account: str, *, origin: str = "house", at: str = NIGHT) -> str:
        """Open an account of the member that its name begins with."""
        member = account.partition("-")[0]
        return self.send(
            "open_account", account=account, member=member, origin=origin, owner="o", at=at
        )

    def begin(self, day: str = "2026-06-08", *, at: str = NIGHT) -> str:
        """Open the first session."""
        return self.send("open_session", business_date=day, at=at)

    def close(self, day: str, following: str, *, at: str = "2026-06-08T21:00:00Z") -> str:
        """Close a session and open the next one."""
        return self.send("close_session", business_date=day, next_business_date=following, at=at)

    def cycle(self, name: str, *, at: str = "2026-06-08T12:00:00Z") -> str:
        """Run an intraday cycle."""
        return self.send("run_cycle", cycle=name, at=at)

    def set(
        self, parameter: str, value: str, *, product: str | None = None, day: str = "2026-06-09"
    ) -> str:
        """Configure a parameter."""
        return self.send(
            "configure", parameter=parameter, product=product, value=value, effective_date=day
        )
