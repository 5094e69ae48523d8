"""The doctor's finding: a verdict, the subject, its actual state, the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

# The lock is whole: a resolver would only look for newer versions of what is in it.
INSTALL_AGAIN: Final = "install again: pip install --no-deps --require-hashes -r requirements.lock"
SET_CLOCKS: Final = "let NTP set the clocks of all machines: lag and latency are told wrong"

FindingVerdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    verdict: FindingVerdict
    what: str
    actual: str
    advice: str = ""

    @property
    def text(self) -> str:
        """The line as it is printed."""
        line = f"{self.verdict:<4}  {self.what:<26}  {self.actual}"
        return f"{line}  — {self.advice}" if self.advice else line


def expect(
    what: str, actual: str, *, is_good: bool, advice: str, otherwise: FindingVerdict = "fail"
) -> Finding:
    """Ok where it is good; else another verdict, with the advice."""
    return Finding("ok", what, actual) if is_good else Finding(otherwise, what, actual, advice)
