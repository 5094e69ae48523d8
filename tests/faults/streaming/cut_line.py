"""A line that for a while carries nothing and says nothing, as a network that drops all packets.

In: an address to listen at, one to carry to, each a path of Unix or a port of loopback. Out: bytes
both ways, but not while it is cut: who sends gets no answer and no end, who connects waits. When it
is whole again all goes on, or the connections of before are gone.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

from tests.faults.breaking_line import hang_up

Address = str | int


class CutLine:
    """Carries bytes both ways."""

    def __init__(self, listens_at: Address, carries_to: Address) -> None:
        self._carries_to = carries_to
        self._is_whole = threading.Event()
        self._is_whole.set()
        self._ends: list[socket.socket] = []
        self._listening = _socket(listens_at)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening.bind(_name(listens_at))
        self._listening.listen(64)
        threading.Thread(target=self._accept, name="cut line", daemon=True).start()

    @contextmanager
    def cut(self, *, is_forgotten: bool = False) -> Iterator[None]:
        """Carry nothing within this block. is_forgotten: nothing of before goes on after it."""
        self._is_whole.clear()
        try:
            yield
        finally:
            if is_forgotten:
                hang_up(*self._ends)
                self._ends.clear()
            self._is_whole.set()

    @contextmanager
    def cut_somehow(self, rng: Random) -> Iterator[None]:
        """With or without what was before."""
        with self.cut(is_forgotten=rng.random() < 0.5):
            yield

    def close(self) -> None:
        """End all connections."""
        hang_up(self._listening, *self._ends)
        self._is_whole.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                server = _socket(self._carries_to)
                self._ends += [client, server]
                threading.Thread(target=self._connect, args=[client, server], daemon=True).start()

    def _connect(self, client: socket.socket, server: socket.socket) -> None:
        self._is_whole.wait()
        try:
            server.connect(_name(self._carries_to))
        except OSError:  # Nobody listens there: nor does anybody here, for this one.
            hang_up(client, server)
            return
        threading.Thread(target=self._carry, args=[server, client], daemon=True).start()
        self._carry(client, server)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self._is_whole.wait()
                target.sendall(data)
        self._is_whole.wait()
        hang_up(source, target)
        for end in (source, target):
            with suppress(ValueError):
                self._ends.remove(end)


def _socket(address: Address) -> socket.socket:
    made = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    if not isinstance(address, str):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _name(address: Address) -> str | tuple[str, int]:
    return address if isinstance(address, str) else ("127.0.0.1", address)
