"""The network of workers: two lines to Kafka and two to Postgres, each of which can be cut.

In: brokers that have room for lines, an embedded server. Out: the addresses by which every other
worker is told of them. A partition cuts half of the workers off, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.journal.embedded import EmbeddedServer
from tests.faults.breaking_line import SOCKET, laid
from tests.faults.streaming.cut_line import CutLine
from tests.kafka_broker import LocalBroker


@dataclass(frozen=True, slots=True)
class Side:
    """The lines of half of the workers. kafka: to each broker; brokers: their addresses.

    server: the URL of a database of Postgres over this line.
    """

    kafka: list[CutLine]
    brokers: str
    postgres: CutLine
    server: str

    def environment(self, url: str) -> dict[str, str]:
        """The settings of a worker on this side. url: of its database."""
        database = url.partition("@/")[2].partition("?")[0]
        begin, _, end = self.server.partition("@/")
        return {
            "brokers": self.brokers,
            "database": f"{begin}@/{database}?{end.partition('?')[2]}",
        }


@contextmanager
def network(brokers: list[LocalBroker], server: EmbeddedServer) -> Iterator[list[Side]]:
    """The sides, while the lines are laid."""
    with ExitStack() as laying:
        sides = range(len(brokers[0].lines))
        yield [_side(laying, brokers, server, number=number) for number in sides]


def _side(
    laying: ExitStack, brokers: list[LocalBroker], server: EmbeddedServer, *, number: int
) -> Side:
    ports = [broker.lines[number] for broker in brokers]
    kafka = [CutLine(near, far) for near, far in ports]
    for line in kafka:
        laying.callback(line.close)
    url, postgres = laying.enter_context(laid(server.url, _laid_between))
    return Side(kafka, ",".join(f"127.0.0.1:{near}" for near, _ in ports), postgres, url)


def _laid_between(server: str, directory: Path) -> CutLine:
    return CutLine(str(directory / SOCKET), server)
