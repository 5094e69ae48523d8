"""A Postgres that speaks TLS alone and asks for passwords: what Security in OPERATIONS asks for.

In: a directory, the programs of the machine's Postgres (the wheel's are built without TLS), the SQL
of the page. Out: a server; its databases are reached as the users of the page, over TLS.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import psycopg
from psycopg.errors import DuplicateObject

from services.journal.cluster import DATABASE, PORT, Cluster
from services.journal.embedded import EmbeddedServer
from tests.house_rules import ROOT
from tests.kafka_broker import CERTIFICATE

OURS: Final = CERTIFICATE.with_name("ours_ca.pem")
OTHER: Final = CERTIFICATE.with_name("other_ca.pem")
# The users of the page.
ADMINISTRATOR: Final = "administrator"
WORKER: Final = "worker"
_WORDS: Final = {user: f"{user} of the books" for user in (ADMINISTRATOR, WORKER)}
# Any of loopback that no other server of these tests listens on; the certificate names localhost.
_ADDRESS: Final = f"127.{os.getpid() >> 16 & 127 | 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
_WHO_MAY_COME: Final = "local all all trust\nhostssl all all 127.0.0.0/8 scram-sha-256\n"
_SETTINGS: Final = {
    "ssl": "on",
    "ssl_cert_file": CERTIFICATE.name,
    "ssl_key_file": CERTIFICATE.name,
    "listen_addresses": _ADDRESS,
}
_PAGE: Final = ROOT / "services" / "OPERATIONS.md"
_USERS: Final = re.compile(r"<!-- users -->\n```sql\n(.*?)```\n<!-- end -->", re.DOTALL)


class GuardedServer(EmbeddedServer):
    """Such a server. `url` is that of a superuser, who comes over its socket."""

    def __init__(self, directory: Path, *, binaries: Path) -> None:
        """Make its files as an operator would, and start it."""
        cluster = Cluster(directory.absolute(), binaries=binaries)
        cluster.make()
        settings = "".join(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
        (cluster.files / "postgresql.auto.conf").write_text(settings, "utf-8")
        (cluster.files / "pg_hba.conf").write_text(_WHO_MAY_COME, "utf-8")
        certificate, owner = cluster.files / CERTIFICATE.name, cluster.files.stat()
        certificate.write_bytes(CERTIFICATE.read_bytes())
        certificate.chmod(0o600)
        os.chown(certificate, owner.st_uid, owner.st_gid)
        self._passwords = directory.absolute() / "passwords"
        self._passwords.touch(0o600)
        lines = [f"localhost:{PORT}:*:{user}:{word}\n" for user, word in _WORDS.items()]
        self._passwords.write_text("".join(lines), "utf-8")
        super().__init__(directory, binaries=binaries)

    @property
    def url(self) -> str:
        """The URL of the server's first database, as superuser over the socket."""
        return self.super_url(DATABASE)

    def url_of(self, database: str, *, user: str = ADMINISTRATOR, **parameters: str) -> str:
        """The URL of a database as a user of the page, with parameters of libpq."""
        own = {"hostaddr": _ADDRESS, "sslmode": "verify-full", "sslrootcert": str(OURS)}
        query = urlencode({**own, "passfile": str(self._passwords), **parameters})
        return f"postgresql://{user}@localhost:{PORT}/{database}?{query}"

    def super_url(self, database: str) -> str:
        """The URL of a database as superuser over the socket."""
        return super().url_of(database)

    def allow(self, database: str) -> None:
        """Let the users of the page keep a journal in a database."""
        (page,) = _USERS.findall(_PAGE.read_text("utf-8"))
        with psycopg.connect(self.super_url(database), autocommit=True) as connection:
            for statement in filter(None, map(str.strip, page.split(";"))):
                # Roles belong to all databases of a server.
                with suppress(DuplicateObject):
                    connection.execute(statement.encode())
        for user in _WORDS:
            self.set_password(user)

    def set_password(self, user: str, password: str | None = None) -> None:
        """Let a user prove who it is by this, or by what stands in the file of passwords."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            query = f"ALTER ROLE {user} PASSWORD '{password or _WORDS[user]}'"
            connection.execute(query.encode())
