"""Apache Kafka's own programs for tests: resolved once by Maven, run by Java 17 or later.

In: nothing but what the machine has. Out: the jars in a cache of this user, or a list of what to
install. Environment: CLEARING_TEST_CACHE names another directory for them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from services.journal.file_locks import locked

KAFKA_VERSION: Final = "4.3.0"
JAVA_MIN: Final = 17
# Without slf4j-simple Kafka says nothing at all, not even why it does not start.
POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{KAFKA_VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
<version>1.7.36</version></dependency>
</dependencies></project>
"""


def missing_software() -> list[str]:
    """What to install before a broker can run as a process of this machine."""
    missing = []
    if java_version() < JAVA_MIN:
        missing.append(f"Java {JAVA_MIN} or later (apt-get install openjdk-17-jre-headless)")
    if shutil.which("mvn") is None and not _jars_directory().is_dir():
        missing.append("Maven (apt-get install maven), with a way to Maven's central repository")
    return missing


def java_version() -> int:
    """The first number of Java's version; 0 if there is none that runs."""
    java = shutil.which("java")
    if java is None:
        return 0
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else 0


def kafka_jars() -> Path:
    """The directory of Kafka's jars; fetched the first time, by one process for all."""
    directory = _jars_directory()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with locked(directory.parent / "maven.lock"):
        if not directory.is_dir():
            _fetch(directory)
    return directory


def _jars_directory() -> Path:
    named = os.environ.get("CLEARING_TEST_CACHE")
    cache = Path(named) if named else Path.home() / ".cache" / "token-clearinghouse"
    return cache / f"kafka-{KAFKA_VERSION}"


def _fetch(directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory.parent) as folder:
        pom = Path(folder) / "pom.xml"
        pom.write_text(POM, encoding="utf-8")
        maven = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        options = [f"-DoutputDirectory={folder}/jars", "-DincludeScope=runtime"]
        done = subprocess.run([*maven, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"Maven could not fetch Kafka: {done.stdout[-2000:]}"
        (Path(folder) / "jars").rename(directory)
