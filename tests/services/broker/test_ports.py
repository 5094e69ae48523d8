"""Ports for brokers and pages of tests: nobody else takes them before they are listened on."""

from __future__ import annotations

import socket
from itertools import combinations
from pathlib import Path

import pytest

from tests import kafka_broker
from tests.kafka_broker import free_ports, own_ports

LINUX = "32768\t60999\n"


def test_ports_are_none_of_those_that_the_system_gives_to_who_connects() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert not set(free_ports(40)) & {*range(first, last + 1)}
    assert max(own_ports("gw1", "20000 60999")) < 20_000


def test_no_two_processes_of_a_session_draw_the_same_port() -> None:
    drawn = [set(own_ports(f"gw{number}", LINUX)) for number in range(16)]
    assert all(ports for ports in drawn)
    assert not any(first & second for first, second in combinations(drawn, 2))


def test_no_port_is_given_twice() -> None:
    assert len({*free_ports(20), *free_ports(20)}) == 40


def test_a_port_that_somebody_has_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    had, free = free_ports(2)
    monkeypatch.setattr(kafka_broker, "_DRAWN", iter([had, free]))
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", had))
        assert free_ports(1) == [free]
