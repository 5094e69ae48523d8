"""The worker as a process that does not come as far as Kafka."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.kafka_broker import free_ports

ROOT = Path(__file__).resolve().parents[3]
RUN = """
import sys
from services.settings import load_settings
from functools import partial
from services.worker import app
from services.worker.host import ShardHost
settings = load_settings(brokers="127.0.0.1:1", web_port=sys.argv[1], clock_interval_s=0)
{}
database = "postgresql://nobody@127.0.0.1:1/none"
sys.exit(app.run_worker(settings, partial(ShardHost, settings=settings, database=database)))
"""
# Another process takes the port after we looked.
LATE = "async def nothing(_): pass\napp.port_trouble = nothing"


def run_with_taken_port(more: str) -> tuple[int, list[str]]:
    """Exit code and critical lines of a worker that is to serve pages where another one does."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        command = [sys.executable, "-c", RUN.format(more), port]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    return ended.returncode, [one["said"] for one in lines if one["level"] == "critical"]


def test_a_port_that_is_taken_is_named_in_one_line() -> None:
    code, (said,) = run_with_taken_port("")
    assert code == 1
    assert said.startswith("web_port ")
    assert "ddress already in use" in said


def test_what_ends_faust_is_no_success() -> None:
    code, _ = run_with_taken_port(LATE)
    assert code == 1


def test_a_worker_that_is_killed_has_left_nothing_on_disk(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    places = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUN.format(""), str(port)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | places, stderr=subprocess.DEVNULL
    ) as worker:
        try:
            deadline = time.monotonic() + 30
            while not serves(port):
                assert time.monotonic() < deadline, "no page after 30 s"
                time.sleep(0.05)
        finally:
            worker.kill()
    assert [*tmp_path.iterdir()] == []


def serves(port: int) -> bool:
    """Whether a worker serves its pages: it has begun, and looks for Kafka."""
    with suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        return True
    return False
