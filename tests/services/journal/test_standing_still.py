"""Who stands still within a batch, at any message, lets go of its shards after the time it has."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from services.hosting.receipts import BY_RUN
from services.journal.batch import Batch, ReceiptRow
from services.journal.trouble import DatabaseOverloaded, FencedOff, JournalTrouble
from services.journal.writer import Journal
from services.shards.rows import LinkRow, NumberRow
from tests.faults.breaking_line import SOCKET, hang_up, laid
from tests.services.journal.journal_rows import DAY, SIT, batch_of

_MAY_LAST_S = 0.3
_TRIES = 10
# Begin, a COPY of at least four, commit.
_MESSAGES_LEAST = 5
_TYPE_BYTES, _LENGTH_BYTES = 1, 4


class StandingLine:
    """Carries one connection, its messages to Postgres one by one. left: so many more, if not None.

    Nothing is carried behind them, and nothing is closed.
    """

    def __init__(self, server: str, directory: Path) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(directory / SOCKET))
        self._listening.listen()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(server)
        self._ends = [self._listening, self._server]
        self._is_over = threading.Event()
        self.left: int | None = None
        threading.Thread(target=self._carry, daemon=True).start()

    def close(self) -> None:
        """End the connection."""
        self._is_over.set()
        hang_up(*self._ends)

    def _carry(self) -> None:
        client = self._listening.accept()[0]
        self._ends.append(client)
        threading.Thread(target=self._carry_back, args=[client], daemon=True).start()
        type_bytes = 0  # That of the first message is left out.
        with suppress(OSError), client.makefile("rb") as messages:
            while head := messages.read(type_bytes + _LENGTH_BYTES):
                body = messages.read(int.from_bytes(head[type_bytes:]) - _LENGTH_BYTES)
                if self.left == 0:
                    self._is_over.wait()
                    return
                if self.left is not None:
                    self.left -= 1
                self._server.sendall(head + body)
                type_bytes = _TYPE_BYTES

    def _carry_back(self, client: socket.socket) -> None:
        with suppress(OSError):
            while data := self._server.recv(1 << 16):
                client.sendall(data)


def full_batch(before: int) -> Batch:
    """Ten rows, with all that goes with COMMIT."""
    batch = batch_of(SIT, before, before + 10)
    seqs = np.arange(before + 1, before + 11)
    batch.identities = [(SIT, seqs, seqs)]
    batch.receipts = [ReceiptRow(SIT, before + 1, 0, BY_RUN)]
    batch.numbers = [NumberRow("control/0", before + 1, before + 1, DAY)]
    numbers = (before, before, before + 1)
    batch.links = [LinkRow(SIT, "member/0", *numbers, is_last=True, payload=b"{}", hash=bytes(32))]
    return batch


def taken_over(journal: Journal, batch: Batch) -> bool:
    """Whether a writer gets a batch through that another one has begun, at last."""
    for _ in range(_TRIES):
        try:
            journal.commit(batch)
        except DatabaseOverloaded:
            continue
        except FencedOff:
            return False
        return True
    raise AssertionError(batch.heads)


def test_who_stands_still_lets_go_wherever_it_stands(url: str) -> None:
    with Journal(url) as other:
        other.give_up_after(_MAY_LAST_S)
        other.commit(batch_of(SIT, None, 0))
        for messages in count():
            head = 20 * messages
            with ThreadPoolExecutor(1) as thread, laid(url, StandingLine) as (slow_url, line):
                slow = Journal(slow_url)
                slow.give_up_after(_MAY_LAST_S)
                slow.commit(full_batch(head))
                line.left = messages
                standing = thread.submit(slow.commit, full_batch(head + 10))
                is_taken_over = taken_over(other, full_batch(head + 10))
                if not is_taken_over:
                    standing.result()  # All of its messages came through.
            slow.close()
            if not is_taken_over:
                break
            with pytest.raises(JournalTrouble):
                standing.result()
    assert messages > _MESSAGES_LEAST
