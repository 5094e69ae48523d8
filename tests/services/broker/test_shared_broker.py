"""One broker for all processes of a test session, gone with the last; and what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import kafka_shared
from tests.kafka_shared import NAMED, NoBroker, is_alive, shared_broker
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
OTHER = """
import sys
from pathlib import Path
from tests.kafka_shared import shared_broker
with shared_broker(Path(sys.argv[1])) as shared:
    print(shared.address)
"""
KILLED = """
import sys, time
from pathlib import Path
from tests.kafka_broker import LocalBroker
print(LocalBroker(Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""
# Starts a process that ends, and does not ask how it ended.
STARTER = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", ""]).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def nobody_named_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if CLEARING_TEST_BROKERS were not set."""
    monkeypatch.delenv(NAMED, raising=False)


@pytest.mark.usefixtures("nobody_named_one", "own_broker_possible")
def test_another_process_gets_the_same_broker_and_leaves_it_running(tmp_path: Path) -> None:
    with shared_broker(tmp_path) as shared:
        process = subprocess.run(
            [sys.executable, "-c", OTHER, str(tmp_path)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert process.stdout.strip() == shared.address
        assert (tmp_path / "broker.json").exists()
    assert not (tmp_path / "broker.json").exists()


def test_a_broker_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(NAMED, "kafka.test:9092")
    with shared_broker(tmp_path) as shared:
        assert shared.address == "kafka.test:9092"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("nobody_named_one")
def test_without_any_way_to_a_broker_it_lists_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(kafka_shared, "docker_answers", lambda: False)
    monkeypatch.setattr(kafka_shared, "missing_software", lambda: ["Java", "Maven"])
    with pytest.raises(NoBroker) as nothing, shared_broker(tmp_path):
        pass
    for text in (NAMED, "Docker", "still missing for a broker of our own: Java", "Maven"):
        assert text in str(nothing.value)


@pytest.mark.usefixtures("own_broker_possible")
def test_a_broker_whose_user_is_killed_is_ended(tmp_path: Path) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert user.stdout is not None
    with user.stdout as output:
        pid = int(output.readline())
    assert is_kafka(pid)
    user.kill()
    user.wait()
    until(lambda: not is_kafka(pid), f"Kafka {pid} has ended")


def is_kafka(pid: int) -> bool:
    """Whether this process is a broker."""
    command = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return "kafka.Kafka" in output


def test_a_process_is_gone_when_it_has_ended_though_its_starter_does_not_ask() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    with starter.stdout as output:
        pid = int(output.readline())
    until(lambda: not is_alive(pid), f"{pid} has ended")
    assert is_alive(starter.pid)
    starter.kill()
    starter.wait()
    assert not is_alive(starter.pid)
