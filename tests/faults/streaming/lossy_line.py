"""A line to Postgres that now and then loses the reply to a COMMIT; new connections go on.

In: a database, every which COMMIT is lost, and whether the server hears it all the same. Out: the
URL of the same database over this line.
"""

from __future__ import annotations

import socket
import threading
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path

from tests.faults.breaking_line import COMMIT, SOCKET, hang_up, laid


class LossyLine:
    """Carries bytes both ways; each nth COMMIT ends its connection. lost: how many did."""

    def __init__(self, server: str, directory: Path, *, every: int, heard: bool) -> None:
        self._server = server
        self._every = every
        self._heard = heard
        self._lock = threading.Lock()
        self._seen = 0
        self._ends: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(directory / SOCKET))
        self._listening.listen(64)
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        hang_up(self._listening, *self._ends)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(self._server)
                except OSError:  # Postgres is down: so is the line, for this one.
                    hang_up(client, server)
                    continue
                self._ends += [client, server]
                for carry in (self._carry, self._carry_back):
                    threading.Thread(target=carry, args=[client, server], daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if data.endswith(COMMIT) and self._is_to_be_lost():
                    # No reply gets through; who is heard has it done all the same.
                    hang_up(client)
                    if self._heard:
                        server.sendall(data)
                        server.shutdown(socket.SHUT_WR)
                    else:
                        hang_up(server)
                    return
                server.sendall(data)
        hang_up(client, server)

    def _carry_back(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
        hang_up(client, server)

    def _is_to_be_lost(self) -> bool:
        with self._lock:
            self._seen += 1
            is_lost = self._seen % self._every == 0
            self.lost += is_lost
            return is_lost


def lossy_line(
    url: str, *, every: int, heard: bool
) -> AbstractContextManager[tuple[str, LossyLine]]:
    """The URL of a database over such a line, and the line."""
    return laid(url, partial(LossyLine, every=every, heard=heard))
