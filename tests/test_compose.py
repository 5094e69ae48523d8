"""docker-compose.yml cannot be run by tests; what can be read off it is checked, and seen failing.

Images by version, commands and settings that exist, health checks and start order, nothing open
beyond this machine, no secret, nothing that could lose an acknowledged row.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
import pytest
import yaml

from services.audit.days import ClosedDay
from services.journal.connecting import MUST_BE_ON
from services.settings import ENV_PREFIX, Settings, load_settings
from services.worker import health_pages as pages
from tests.alert_rules import MONITORING
from tests.command_line import check_command
from tests.house_rules import ROOT
from tests.kafka_software import KAFKA_VERSION

Compose = dict[str, Any]
Check = Callable[[Compose], Iterator[str]]

COMPOSE: Final[Compose] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
OURS: Final = f"token-clearinghouse:{version('token-clearinghouse')}"
PINNED: Final = re.compile(r"[a-z0-9][a-z0-9._/-]*:v?\d+\.\d+(?:\.\d+)?(?:-[a-z0-9.]+)*")
LOOPBACK: Final = re.compile(r"127\.0\.0\.1:\d+:\d+")
SECRET: Final = re.compile("PASSW|SECRET|CREDENTIAL")
STARTED: Final = ("kafka", "topics", "worker-1", "feeder", "verify")
WORKERS: Final = ("worker-1", "worker-2")
# Those with a page for this machine.
WITH_PAGES: Final = (*WORKERS, "prometheus", "grafana")
LASTING: Final = {"kafka": "/var/lib/kafka/data", "postgres": "/var/lib/postgresql"}


def services_of(compose: Compose) -> list[tuple[str, Compose]]:
    """The services with their names."""
    return list(compose["services"].items())


def ours_of(compose: Compose) -> list[tuple[str, Compose]]:
    """The services that run our program."""
    return [(name, one) for name, one in services_of(compose) if one["image"] == OURS]


def environment_of(service: Mapping[str, Any]) -> dict[str, str]:
    """A service's variables."""
    return dict(service.get("environment", {}))


def unpinned(compose: Compose) -> Iterator[str]:
    """Images without a version, also those ours is built from."""
    for name, service in services_of(compose):
        froms = re.findall(r"^FROM (\S+)", dockerfile_of(service), re.MULTILINE)
        for image in [service["image"], *froms]:
            if not PINNED.fullmatch(image):
                yield f"{name}: {image}"


def dockerfile_of(service: Mapping[str, Any]) -> str:
    """How the service's image is built; empty where it is not."""
    return str(service.get("build", {}).get("dockerfile_inline", ""))


def wrong_builds(compose: Compose) -> Iterator[str]:
    """Our image is built once, before it is needed; a registry might have another of that name."""
    policies = sorted(service.get("pull_policy", "missing") for _, service in ours_of(compose))
    if policies != ["build", *["never"] * (len(policies) - 1)]:
        yield f"pull policies {policies}"
    for name, service in services_of(compose):
        if ("build" in service) != (service.get("pull_policy") == "build"):
            yield f"{name} is built and pulled"


def wrong_commands(compose: Compose) -> Iterator[str]:
    """Commands and flags that our command line does not take."""
    for name, service in ours_of(compose):
        try:
            command = service["command"]
            shown = [] if command[:2] != ["sh", "-c"] else shlex.split(command[2])
            check_command(shown[shown.index("&&") + 1 :] if shown else command)
        except (click.ClickException, AssertionError) as error:
            yield f"{name}: {error}"


def unknown_settings(compose: Compose) -> Iterator[str]:
    """Variables of ours that set nothing."""
    for name, service in services_of(compose):
        for variable in environment_of(service):
            is_prefixed = variable.startswith(ENV_PREFIX)
            setting = variable.removeprefix(ENV_PREFIX).lower()
            if service["image"] == OURS and not is_prefixed:
                yield f"{name}: {variable} is no variable of ours"
            elif is_prefixed and setting not in Settings.model_fields:
                yield f"{name}: {variable}"


def wrong_hosts(compose: Compose) -> Iterator[str]:
    """Brokers and databases that are no services of the file."""
    for name, service in ours_of(compose):
        found = environment_of(service)
        url = urlsplit(found.get("CLEARING_DATABASE", ""))
        hosts = [one.partition(":")[0] for one in found.get("CLEARING_BROKERS", "").split(",")]
        for host in [url.hostname, *hosts]:
            if host not in compose["services"]:
                yield f"{name}: {host}"


def open_doors(compose: Compose) -> Iterator[str]:
    """Ports that other machines reach; who serves no page, on a network that leads out."""
    for name, service in services_of(compose):
        for port in service.get("ports", []):
            if not LOOPBACK.fullmatch(str(port)):
                yield f"{name}: {port}"
        inside = {net for net, how in compose["networks"].items() if how.get("internal")}
        networks = {*service.get("networks", ["default"])} - inside
        if "network_mode" in service or (networks and name not in WITH_PAGES):
            yield f"{name}: on {sorted(networks)}"


def secrets(compose: Compose) -> Iterator[str]:
    """URLs with a password, and words that a secret goes by."""
    for name, service in services_of(compose):
        for variable, value in environment_of(service).items():
            if urlsplit(str(value)).password is not None:
                yield f"{name}: {variable}"
    if found := SECRET.search(yaml.safe_dump(compose).upper()):
        yield found[0]


def wrong_order(compose: Compose) -> Iterator[str]:
    """Dependencies on what is not there, has no health check, or never ends."""
    for name, service in services_of(compose):
        for other, how in service.get("depends_on", {}).items():
            target = compose["services"].get(other)
            condition = how["condition"]
            if target is None:
                yield f"{name}: waits for {other}"
            elif condition == "service_healthy" and "healthcheck" not in target:
                yield f"{name}: {other} has no health check"
            elif condition == "service_completed_successfully" and target["restart"] != "no":
                yield f"{name}: {other} never ends"
            elif condition == "service_started":
                yield f"{name}: {other} may not be ready"
    for before, after in pairwise(STARTED):
        if before not in awaited_by(after, compose):
            yield f"{after} does not wait for {before}"


def awaited_by(name: str, compose: Compose) -> set[str]:
    """All services that must be ready before one starts."""
    own = set(compose["services"].get(name, {}).get("depends_on", {}))
    return own.union(*(awaited_by(one, compose) for one in own))


def wrong_health(compose: Compose) -> Iterator[str]:
    """Services that stay and do not say whether they are well; workers that are asked elsewhere."""
    for name, service in services_of(compose):
        if service["restart"] != "no" and "healthcheck" not in service:
            yield f"{name}: no health check"
    for name in WORKERS:
        service = compose["services"][name]
        asked = " ".join(service.get("healthcheck", {}).get("test", []))
        port = environment_of(service).get("CLEARING_WEB_PORT", load_settings().web_port)
        if f"127.0.0.1:{port}/readyz" not in asked:
            yield f"{name}: asks {asked}"
        if not str(service["ports"][0]).endswith(f":{port}"):
            yield f"{name}: publishes {service['ports']}"


def forgetful(compose: Compose) -> Iterator[str]:
    """What would lose acknowledged rows: a database without fsync, data on no named volume."""
    said = compose["services"]["postgres"]["command"]
    for name in MUST_BE_ON:
        if f"{name}=on" not in said:
            yield f"postgres: {name}"
    for name, folder in LASTING.items():
        mounts = dict(one.split(":")[:2] for one in compose["services"][name].get("volumes", []))
        kept = {target for volume, target in mounts.items() if volume in compose["volumes"]}
        if folder not in kept:
            yield f"{name}: {folder} is on no named volume"
    logs = environment_of(compose["services"]["kafka"])["KAFKA_LOG_DIRS"]
    if logs != LASTING["kafka"]:
        yield f"kafka: writes to {logs}"


def unbounded(compose: Compose) -> Iterator[str]:
    """Services that may take all memory of the machine."""
    for name, service in services_of(compose):
        if not re.fullmatch(r"\d+[mg]", service.get("mem_limit", "")):
            yield name


def wrong_mounts(compose: Compose) -> Iterator[str]:
    """Folders of the repository that are not there, or that a service may write to."""
    for name, service in services_of(compose):
        for mount in service.get("volumes", []):
            source, _, target = mount.partition(":")
            if source.startswith(".") and not ((ROOT / source).is_dir() and target.endswith(":ro")):
                yield f"{name}: {mount}"


CHECKS: Final[tuple[Check, ...]] = (
    unpinned, wrong_builds, wrong_commands, unknown_settings, wrong_hosts, open_doors, secrets,
    wrong_order, wrong_health, forgetful, unbounded, wrong_mounts,
)  # fmt: skip

# The check, the service, what in it, and what breaks it.
BAD: Final[tuple[tuple[Check, str, str, object], ...]] = (
    (unpinned, "kafka", "image", "apache/kafka"),
    (unpinned, "kafka", "image", "apache/kafka:latest"),
    (unpinned, "postgres", "image", "postgres:18"),
    (unpinned, "topics", "build", {"dockerfile_inline": "FROM python:3-slim\n"}),
    (wrong_builds, "feeder", "pull_policy", "missing"),
    (wrong_builds, "feeder", "build", {"context": "."}),
    (wrong_commands, "feeder", "command", ["clearing", "feeed"]),
    (wrong_commands, "feeder", "command", ["clearing", "feed", "a", "--speed", "2"]),
    (wrong_commands, "feeder", "command", ["clearing", "feed"]),
    (wrong_commands, "verify", "command", ["sh", "-c", "true && clearing verify --expected a"]),
    (unknown_settings, "feeder", "environment", {"CLEARING_BROKER": "kafka:9092"}),
    (unknown_settings, "feeder", "environment", {"BROKERS": "kafka:9092"}),
    (wrong_hosts, "feeder", "environment", {"CLEARING_BROKERS": "localhost:9092"}),
    (open_doors, "worker-1", "ports", ["6066:6066"]),
    (open_doors, "kafka", "ports", ["9092"]),
    (open_doors, "postgres", "networks", ["outside"]),
    (secrets, "postgres", "environment", {"POSTGRES_PASSWORD": "a"}),
    (secrets, "feeder", "environment", {"CLEARING_DATABASE": "postgresql://a:b@postgres/a"}),
    (wrong_order, "worker-1", "depends_on", {}),
    (wrong_order, "feeder", "depends_on", {"market": {"condition": "service_started"}}),
    (wrong_order, "verify", "depends_on", {"feed": {"condition": "service_healthy"}}),
    (wrong_order, "feeder", "restart", "always"),
    (wrong_health, "kafka", "healthcheck", None),
    (wrong_health, "worker-2", "healthcheck", {"test": ["CMD", "true"]}),
    (forgetful, "postgres", "command", ["postgres", "-c", "fsync=off"]),
    (forgetful, "postgres", "volumes", []),
    (unbounded, "grafana", "mem_limit", "all"),
    (wrong_mounts, "prometheus", "volumes", ["./services/nowhere:/etc/prometheus:ro"]),
    (wrong_mounts, "prometheus", "volumes", ["./services/worker/monitoring:/etc/prometheus"]),
    (forgetful, "kafka", "environment", {"KAFKA_LOG_DIRS": "/tmp/logs"}),  # noqa: S108 - a bad one
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_compose_file_passes(check: Check) -> None:
    assert list(check(COMPOSE)) == []


@pytest.mark.parametrize(("check", "service", "key", "value"), BAD)
def test_the_check_can_fail(check: Check, service: str, key: str, value: object) -> None:
    broken = deepcopy(COMPOSE)
    broken["services"][service][key] = value
    if value is None:
        del broken["services"][service][key]
    assert list(check(broken)) != []


def test_every_check_is_seen_failing() -> None:
    assert {check.__name__ for check, *_ in BAD} == {check.__name__ for check in CHECKS}


def test_the_workers_are_compared_with_the_one_process() -> None:
    script = COMPOSE["services"]["verify"]["command"][2]
    cut, _, verified = script.partition(" && ")
    columns = [int(number) for number in cut.split("-f")[1].partition(" ")[0].split(",")]
    compared = [ClosedDay._fields[number - 1] for number in columns]
    assert compared == ["business_date", "shard", "state_hash", "history_hash"]
    assert "--expect days.csv" in verified


def test_prometheus_asks_the_workers_and_grafana_asks_prometheus() -> None:
    (scraped,) = read_monitoring("prometheus.yml")["scrape_configs"]
    (targets,) = scraped["static_configs"]
    assert targets["targets"] == [f"{name}:6066" for name in WORKERS]
    (source,) = read_monitoring("grafana/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = read_monitoring("grafana/dashboards/provider.yml")["providers"]
    folder = provider["options"]["path"]
    assert environment_of(COMPOSE["services"]["grafana"])[
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
    ] == (f"{folder}/clearing.json")
    assert (
        f":{folder.removesuffix('/dashboards')}:ro" in COMPOSE["services"]["grafana"]["volumes"][0]
    )


def read_monitoring(name: str) -> Compose:
    """A file of the configuration of Prometheus or Grafana."""
    document: Compose = yaml.safe_load((MONITORING / name).read_text("utf-8"))
    return document


def test_kafka_is_the_one_that_the_tests_know() -> None:
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


@pytest.mark.parametrize("name", [name for name, _ in ours_of(COMPOSE)])
def test_the_settings_of_each_service_fit_together(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in environment_of(COMPOSE["services"][name]).items():
        monkeypatch.setenv(variable, value)
    settings = load_settings()
    assert settings.database == "postgresql://clearing@postgres/clearing"


def test_the_worker_serves_the_page_that_its_health_check_asks_for() -> None:
    assert '@app.page("/readyz")' in Path(str(pages.__file__)).read_text("utf-8")


def test_what_the_image_is_made_of_is_there_and_sent_to_the_builder() -> None:
    copied = re.findall(
        r"^COPY (.+) \S+$", dockerfile_of(COMPOSE["services"]["topics"]), re.MULTILINE
    )
    sent = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    names = {name for one in copied for name in one.split()}
    assert {name for name in names if not (ROOT / name).exists()} == set()
    assert {line[1:] for line in sent if line.startswith("!")} == names


def test_the_feeder_reads_what_the_market_writes() -> None:
    services = COMPOSE["services"]
    *_, folder = services["market"]["command"]
    assert services["feeder"]["command"][2] == f"{folder}/commands.jsonl"
    assert services["feeder"]["volumes"] == [f"{services['market']['volumes'][0]}:ro"]
