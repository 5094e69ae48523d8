"""The pages of workers, asked for again and again as Prometheus does."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from typing import Final, Self

from tests.alert_rules import firing

_SCRAPE_S: Final = 0.1


class Scraper:
    """The last metrics of each worker, those of an ended one too: Prometheus keeps them."""

    def __init__(self, *ports: int) -> None:
        self._last = dict.fromkeys(ports, "")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._scrape, name="scraper", daemon=True)

    def __enter__(self) -> Self:
        """Scrape until the end of the block."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop scraping."""
        self._ended.set()
        self._thread.join()

    def fires(self, alert: str) -> bool:
        """Whether the condition of an alert holds, by the last page of each."""
        return alert in firing({str(port): text for port, text in self._last.items()})

    def _scrape(self) -> None:
        while not self._ended.wait(_SCRAPE_S):
            for port in self._last:
                status, text = page(port, "metrics")
                if status:
                    self._last[port] = text


def alerts(*ports: int) -> set[str]:
    """The alerts whose condition holds, by the pages of workers."""
    return firing({str(port): page(port, "metrics")[1] for port in ports})


def page(port: int, name: str, *, timeout_s: float = 5, host: str = "127.0.0.1") -> tuple[int, str]:
    """Status and text of a page; 0 while nobody serves it."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/{name}", timeout=timeout_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()
    except OSError:
        return 0, ""
