"""Log lines are few, however often a library says the same."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from services.worker.json_log import JsonLines, OncePerSecond

LIBRARY = logging.getLogger("library.of.somebody")
OURS = logging.getLogger("services.of.ours")


@pytest.fixture
def written() -> Iterator[tuple[io.StringIO, list[float]]]:
    """What is logged, and the time."""
    time, stream = [0.0], io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(OncePerSecond(lambda: time[0]))
    for logger in (LIBRARY, OURS):
        logger.addHandler(handler)
        logger.propagate = False
    yield stream, time
    for logger in (LIBRARY, OURS):
        logger.removeHandler(handler)
        logger.propagate = True


def test_a_library_is_heard_once_a_second_with_the_number_of_lines_that_were_not(
    written: tuple[io.StringIO, list[float]],
) -> None:
    stream, time = written
    for tenth in range(25):
        time[0] = tenth / 10
        if tenth % 2:
            LIBRARY.error("cannot fetch from %s", tenth)
        else:
            LIBRARY.error("no answer from %s", tenth)
    assert [json.loads(line)["said"] for line in stream.getvalue().splitlines()] == [
        "no answer from 0",
        "no answer from 10 (and 9 more before)",
        "no answer from 20 (and 9 more before)",
    ]


def test_what_is_of_another_shard_or_no_trouble_or_the_end_is_said_always(
    written: tuple[io.StringIO, list[float]],
) -> None:
    stream, _ = written
    for shard in ("market/SIT", "market/SCU") * 2:
        OURS.warning("loads anew", extra={"shard": shard})
    for level in (logging.INFO, logging.CRITICAL) * 2:
        OURS.log(level, "ends")
    OURS.warning("another")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["shard"], line["said"]) for line in lines] == [
        ("market/SIT", "loads anew"),
        ("market/SCU", "loads anew"),
        *[(None, "ends")] * 2,
        (None, "another"),
    ]
