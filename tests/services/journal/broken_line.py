"""A line to Postgres that breaks at COMMIT: before the server hears of it, or before it answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

SOCKET = ".s.PGSQL.5432"


class BrokenLine:
    """Carries bytes both ways until it has seen COMMIT; then it drops the line, sooner or later."""

    def __init__(self, url: str, directory: Path, *, heard: bool) -> None:
        """Listen; heard: the server gets the COMMIT and its answer is lost."""
        self._target = str(Path(str(conninfo_to_dict(url)["host"])) / SOCKET)
        self._heard = heard
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(directory / SOCKET))
        self._listening.listen()
        self._original, self._directory = url, directory

    @property
    def url(self) -> str:
        """The same database, over this line."""
        host = str(conninfo_to_dict(self._original)["host"])
        return self._original.replace(quote(host, safe=""), quote(str(self._directory), safe=""))

    def carry(self) -> None:
        """Carry one connection to its end."""
        with self._listening.accept()[0] as client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._target)
            broken = threading.Event()
            back = threading.Thread(target=_carry_answers, args=[server, client, broken])
            back.start()
            while (data := client.recv(1 << 16)) and b"COMMIT\0" not in data:
                server.sendall(data)
            broken.set()
            if self._heard:
                server.sendall(data)
                server.settimeout(5)
                # The answer to COMMIT arrives, so the server has done it; nobody hears of it.
                back.join(timeout=5)
            server.shutdown(socket.SHUT_RDWR)
            client.shutdown(socket.SHUT_RDWR)
            back.join(timeout=5)

    def close(self) -> None:
        """Stop listening."""
        self._listening.close()


def _carry_answers(server: socket.socket, client: socket.socket, broken: threading.Event) -> None:
    with suppress(OSError):
        while data := server.recv(1 << 16):
            if broken.is_set():
                return
            client.sendall(data)


@contextmanager
def broken_line(url: str, directory: Path, *, heard: bool) -> Iterator[str]:
    """The URL of a database over a line that breaks at the first COMMIT."""
    line = BrokenLine(url, directory, heard=heard)
    thread = threading.Thread(target=line.carry)
    thread.start()
    try:
        yield line.url
    finally:
        thread.join(timeout=10)
        line.close()
