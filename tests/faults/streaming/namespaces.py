"""Rooms with wires: network namespaces, in which a cut wire swallows packets and says nothing.

In: the right to make them (root, and `ip` of iproute2). Out: rooms by name, in which processes run,
and wires from one to another or to where we are, each with two addresses, each cut alone. Who sends
into a cut wire gets no answer and no error: packets go to a card that nobody has. TCP sends again
and again, a new connection waits for its first answer. All is removed at the end; what a killed
process of ours left, by the next one.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, NamedTuple, Self

# For tests of networks (RFC 2544): no machine of anybody's is there.
_FIRST: Final = IPv4Address("198.18.0.0")
NETWORK: Final = f"{_FIRST}/15"
_BLOCKS: Final = 1024
_WIRES_MAX: Final = 32
_PREFIX: Final = "clearing"
_ROOMS: Final = Path("/run/netns")
_CARDS: Final = Path("/sys/class/net")
_NOBODY: Final = "02:00:00:00:00:00"
_CLONE_NEWNET: Final = 0x40000000
BOTH_WAYS: Final = ("sent", "answered")


class NoRooms(Exception):
    """We may not make namespaces here, or the program is lacking."""


class _End(NamedTuple):
    """An end of a wire. room: "" is where we are."""

    room: str
    card: str
    host: str
    hardware: str


class Wire:
    """A pair of network cards. near, far: the addresses of its ends."""

    def __init__(self, near: _End, far: _End) -> None:
        self._ends = (near, far)
        self.near, self.far = near.host, far.host
        _ip("link", "add", far.card, "type", "veth", "peer", "name", near.card)
        for end in self._ends:
            _ip("link", "set", end.card, "address", end.hardware)
            if end.room:
                _ip("link", "set", end.card, "netns", end.room)
            _ip("addr", "add", f"{end.host}/30", "dev", end.card, room=end.room)
            _ip("link", "set", end.card, "up", room=end.room)
        self._mend()

    @contextmanager
    def cut(self, lost: tuple[str, ...] = BOTH_WAYS) -> Iterator[None]:
        """Carry nothing within this block, or nothing one way. lost: `sent` is from near to far."""
        near, far = self._ends
        try:
            if "sent" in lost:
                _reach(near, far.host, _NOBODY)
            if "answered" in lost:
                _reach(far, near.host, _NOBODY)
            yield
        finally:
            self._mend()

    @contextmanager
    def cut_somehow(self, rng: Random) -> Iterator[None]:
        """Both ways, or one."""
        with self.cut(rng.choice([BOTH_WAYS, BOTH_WAYS, ("sent",), ("answered",)])):
            yield

    def close(self) -> None:
        """Remove both cards; they may have gone with their room."""
        with suppress(NoRooms):
            _ip("link", "del", self._ends[1].card, room=self._ends[1].room)

    def _mend(self) -> None:
        near, far = self._ends
        _reach(near, far.host, far.hardware)
        _reach(far, near.host, near.hardware)


class Rooms:
    """Rooms and wires of one process; a context manager that removes them. Errors: NoRooms."""

    def __init__(self) -> None:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            msg = "namespaces need root and the program ip (iproute2)"
            raise NoRooms(msg)
        _sweep()
        self._ending = ExitStack()
        self._count = 0
        self._wires = 0
        self._first = next(number for number in _blocks() if not (_CARDS / _card(number)).exists())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._ending.close()

    def room(self) -> str:
        """A room more; nothing is reached from it but over its wires."""
        name = f"{_PREFIX}-{os.getpid()}-{self._count}"
        self._count += 1
        _ip("netns", "add", name)
        self._ending.callback(_remove, name)
        _ip("link", "set", "lo", "up", room=name)
        return name

    def wire(self, near: str, far: str = "") -> Wire:
        """A wire between two rooms, or from a room to where we are."""
        assert self._wires < _WIRES_MAX, "too many wires"
        number = self._first + self._wires
        self._wires += 1
        first = int(_FIRST) + 4 * number
        ends = [
            _End(
                room,
                f"{_card(number)}{side}",
                str(IPv4Address(first + place)),
                _hardware(number, place),
            )
            for room, side, place in ((near, "n", 2), (far, "", 1))
        ]
        laid = Wire(*ends)
        self._ending.callback(laid.close)
        return laid


def enter(room: str) -> None:
    """Let this process, and whatever it starts, be in a room, as `ip netns exec` does."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(_ROOMS / room, os.O_RDONLY)
    try:
        if libc.setns(handle, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), room)
    finally:
        os.close(handle)


def _blocks() -> Iterator[int]:
    """The first numbers of blocks of wires, those of other processes last."""
    for step in range(_BLOCKS):
        yield (os.getpid() + step) % _BLOCKS * _WIRES_MAX


def _card(number: int) -> str:
    return f"clearing{number:x}"


def _hardware(number: int, place: int) -> str:
    return f"02:00:00:{number >> 8:02x}:{number & 255:02x}:{place:02x}"


def _reach(end: _End, host: str, hardware: str) -> None:
    """Tell an end by which card another is reached; it asks nobody."""
    to = ("neigh", "replace", host, "lladdr", hardware, "dev", end.card, "nud", "permanent")
    _ip(*to, room=end.room)


def _sweep() -> None:
    """Remove the rooms of processes that were killed before they could."""
    for left in _ROOMS.glob(f"{_PREFIX}-*-*"):
        if not Path(f"/proc/{left.name.split('-')[1]}").exists():
            _remove(left.name)


def _remove(room: str) -> None:
    with suppress(NoRooms):
        _ip("netns", "del", room)


def _ip(*words: str, room: str = "") -> None:
    command = ["ip", *(["-n", room] if room else []), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"{' '.join(command)}: {done.stderr.strip()}"
        raise NoRooms(msg)
