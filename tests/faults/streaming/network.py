"""The network of workers: two sides, each with its ways to Kafka and to Postgres, each to be cut.

In: how many brokers there are to be. Out: brokers and a server that stand in it, and the addresses
by which every other worker is told of them. A partition cuts half of the workers off, and the
others go on. Each side is a room with wires (namespaces.py), and of three brokers one is in a room
too; where we may make none, lines are laid that hold packets back (cut_line.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, Protocol

from services.journal.cluster import DATABASE, PORT, USER, Cluster
from services.journal.embedded import EmbeddedServer
from tests.faults.breaking_line import SOCKET, laid
from tests.faults.streaming.cut_line import CutLine
from tests.faults.streaming.namespaces import NETWORK, Rooms, Wire
from tests.kafka_broker import LocalBroker, Stand

_SIDES: Final = 2
_WHO_MAY_COME: Final = f"local all all trust\nhost all all {NETWORK} trust\n"


class Way(Protocol):
    """What carries bytes between a worker and a service."""

    def cut(self) -> AbstractContextManager[None]:
        """Carry nothing within this block; what was there goes on after it."""

    def cut_somehow(self, rng: Random) -> AbstractContextManager[None]:
        """Carry nothing within this block, in one of the ways that this one may be cut."""


@dataclass(frozen=True, slots=True)
class Side:
    """The ways of half of the workers. kafka: to each broker; brokers: their addresses.

    server: the URL of a database of Postgres over this way. room: where they run, and host, where
    they are asked for their pages, over a way that is never cut.
    """

    kafka: Sequence[Way]
    brokers: str
    postgres: Way
    server: str
    room: str = ""
    host: str = "127.0.0.1"

    def environment(self, url: str) -> dict[str, str]:
        """The settings of a worker on this side. url: of its database."""
        database = url.partition("@/")[2].partition("?")[0]
        begin, _, end = self.server.partition("@/")
        return {
            "brokers": self.brokers,
            "database": f"{begin}@/{database}?{end.partition('?')[2]}",
            "web_host": self.host,
        }


class WiredSide:
    """A room for workers, wired before there is anything at the other ends."""

    def __init__(self, rooms: Rooms, brokers: Sequence[str]) -> None:
        """Lay them. brokers: the room of each, "" if it is where we are."""
        self.room = rooms.room()
        self.kafka = [rooms.wire(self.room, far) for far in brokers]
        self.postgres = rooms.wire(self.room)
        self.pages = rooms.wire(self.room)

    def laid(self, brokers: Sequence[LocalBroker], number: int) -> Side:
        """The side, once brokers listen at its wires. number: of the side."""
        addresses = ",".join(broker.wires[number] for broker in brokers)
        url = f"postgresql://{USER}@/{DATABASE}?host={self.postgres.far}&port={PORT}"
        return Side(self.kafka, addresses, self.postgres, url, self.room, self.pages.near)


class WiredNetwork:
    """Two such sides. Of three brokers the last has a room; `among` is its way to the others."""

    def __init__(self, rooms: Rooms, brokers: int) -> None:
        self.among: Wire | None = None
        apart = rooms.room() if brokers > 1 else ""
        self.sides = [WiredSide(rooms, [*[""] * (brokers - 1), apart]) for _ in range(_SIDES)]
        ends = [[side.kafka[number].far for side in self.sides] for number in range(brokers)]
        self.stands = [Stand(wires=wires) for wires in ends]
        if apart:
            self.among, yard = rooms.wire(apart), rooms.wire(apart)
            self.stands = [Stand(among=self.among.far, wires=wires) for wires in ends]
            before = ("ip", "netns", "exec", apart)
            self.stands[-1] = Stand(yard.near, self.among.near, ends[-1], before)

    def laid(self, brokers: Sequence[LocalBroker]) -> list[Side]:
        """The sides, once the brokers stand where they are to."""
        return [side.laid(brokers, number) for number, side in enumerate(self.sides)]


class WiredServer(EmbeddedServer):
    """An embedded server that listens at the wires too."""

    def __init__(self, directory: Path, wires: Sequence[Wire]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        cluster = Cluster(directory.absolute())
        cluster.make()
        hosts = ",".join(wire.far for wire in wires)
        (cluster.files / "postgresql.auto.conf").write_text(f"listen_addresses = '{hosts}'\n")
        (cluster.files / "pg_hba.conf").write_text(_WHO_MAY_COME)
        super().__init__(directory)


@contextmanager
def network(brokers: Sequence[LocalBroker], server: EmbeddedServer) -> Iterator[list[Side]]:
    """The sides without rooms, while the lines are laid."""
    with ExitStack() as laying:
        yield [_side(laying, brokers, server, number=number) for number in range(_SIDES)]


def _side(
    laying: ExitStack, brokers: Sequence[LocalBroker], server: EmbeddedServer, *, number: int
) -> Side:
    ports = [broker.lines[number] for broker in brokers]
    kafka = [CutLine(near, far) for near, far in ports]
    for line in kafka:
        laying.callback(line.close)
    url, postgres = laying.enter_context(laid(server.url, _laid_between))
    return Side(kafka, ",".join(f"127.0.0.1:{near}" for near, _ in ports), postgres, url)


def _laid_between(server: str, directory: Path) -> CutLine:
    return CutLine(str(directory / SOCKET), server)
