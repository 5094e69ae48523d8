"""A line to Postgres for any number of connections that all break at a COMMIT.

In: a database, the number of the COMMIT, and whether the server hears it before the line breaks.
Out: the URL of the same database over this line.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

SOCKET = ".s.PGSQL.5432"
COMMIT = b"COMMIT\0"


class BreakingLine:
    """Carries bytes both ways until the COMMIT that breaks it."""

    def __init__(self, server: str, directory: Path, *, at_commit: int, heard: bool) -> None:
        self._server = server
        self._left = at_commit
        self._heard = heard
        self._ends: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(directory / SOCKET))
        self._listening.listen()
        self.is_broken = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Break what is left."""
        self.is_broken = True
        hang_up(self._listening, *self._ends)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._ends += [client, server]
                for carry in (self._carry, self._carry_back):
                    threading.Thread(target=carry, args=[client, server], daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                self._left -= data.endswith(COMMIT)
                if data.endswith(COMMIT) and self._left == 0:
                    self.is_broken = True
                    if self._heard:
                        server.sendall(data)
                        return  # The answer breaks the line: the server has done it.
                    self.close()
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _carry_back(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if self.is_broken:
                    self.close()
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


def hang_up(*ends: socket.socket) -> None:
    """End connections, whoever reads or writes there."""
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


class Line(Protocol):
    """What can be laid."""

    def close(self) -> None:
        """End it."""


_Line = TypeVar("_Line", bound=Line)


def breaking_line(
    url: str, *, at_commit: int, heard: bool
) -> AbstractContextManager[tuple[str, BreakingLine]]:
    """The URL of a database over such a line, and the line."""
    return laid(url, partial(BreakingLine, at_commit=at_commit, heard=heard))


@contextmanager
def laid(url: str, make: Callable[[str, Path], _Line]) -> Iterator[tuple[str, _Line]]:
    """The URL of a database over a line, and the line. make: from the server's socket on."""
    host = str(conninfo_to_dict(url)["host"])
    with tempfile.TemporaryDirectory(prefix="line-") as name:
        line = make(f"{host}/{SOCKET}", Path(name))
        try:
            yield url.replace(quote(host, safe=""), quote(name, safe="")), line
        finally:
            line.close()
