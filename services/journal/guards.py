"""The guards of the journal's tables: triggers, owner, rights, checksums of the data.

In: a connection. Out: what differs from what the migrations made, in words. A guard that is off
changes no row by itself; it says that rows could be changed by more than a superuser.
"""

from typing import Final, LiteralString

from services.journal.connecting import Connection, setting
from services.journal.tables import APPEND_ONLY
from services.journal.trouble import translated

# Tables of ours and the journal's parts whose trigger is missing, off, or calls a function that
# refuses nothing.
_UNGUARDED: Final[LiteralString] = """
SELECT tab.relname FROM pg_class AS tab
WHERE tab.relnamespace = to_regnamespace('clearing') AND tab.relkind IN ('r', 'p')
AND (tab.relname = ANY(%s) OR tab.oid IN (
    SELECT relid FROM pg_partition_tree(to_regclass('clearing.journal'))))
AND NOT EXISTS (
    SELECT FROM pg_trigger AS guard JOIN pg_proc AS calls ON calls.oid = guard.tgfoid
    WHERE guard.tgrelid = tab.oid AND guard.tgname = 'append_only' AND guard.tgenabled = 'A'
    AND calls.pronamespace = to_regnamespace('clearing') AND calls.proname = 'refuse_change'
    AND ltrim(calls.prosrc, E' \\nBEGIN') LIKE 'RAISE EXCEPTION%%')
ORDER BY 1
"""
_OWNERS: Final[LiteralString] = """
SELECT relname, pg_get_userbyid(relowner) FROM pg_class
WHERE relnamespace = to_regnamespace('clearing') AND relkind IN ('r', 'p')
AND pg_get_userbyid(relowner) <> 'clearing_owner'
UNION ALL SELECT proname, pg_get_userbyid(proowner) FROM pg_proc
WHERE pronamespace = to_regnamespace('clearing') AND pg_get_userbyid(proowner) <> 'clearing_owner'
UNION ALL SELECT 'schema', pg_get_userbyid(nspowner) FROM pg_namespace
WHERE nspname = 'clearing' AND pg_get_userbyid(nspowner) <> 'clearing_owner'
ORDER BY 1
"""
# Rights to change something; to read is nobody's harm here.
_GRANTS: Final[LiteralString] = """
SELECT name, coalesce(pg_roles.rolname, 'PUBLIC'), privilege_type FROM (
    SELECT relname AS name, acl.* FROM pg_class, aclexplode(relacl) AS acl
    WHERE relnamespace = to_regnamespace('clearing') AND relkind IN ('r', 'p')
    UNION ALL SELECT relname || '.' || attname, acl.*
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl) AS acl
    WHERE relnamespace = to_regnamespace('clearing')
    UNION ALL SELECT 'schema', acl.* FROM pg_namespace, aclexplode(nspacl) AS acl
    WHERE nspname = 'clearing'
) AS granted LEFT JOIN pg_roles ON pg_roles.oid = grantee
WHERE coalesce(pg_roles.rolname, 'PUBLIC') <> 'clearing_owner'
AND privilege_type NOT IN ('SELECT', 'USAGE')
AND NOT (coalesce(pg_roles.rolname, '') = 'clearing_writer' AND (
    privilege_type = 'INSERT' AND name = ANY(%s)
    OR privilege_type IN ('INSERT', 'UPDATE') AND name IN ('shard_head', 'source', 'feed')))
ORDER BY 1, 2, 3
"""


def open_guards(connection: Connection) -> list[str]:
    """The guards that are not as they were made, a line each; empty when all stand."""
    names = [table.name for table in APPEND_ONLY]
    with translated("reading the guards"):
        unguarded = connection.execute(_UNGUARDED, [names]).fetchall()
        owners = connection.execute(_OWNERS).fetchall()
        grants = connection.execute(_GRANTS, [names]).fetchall()
    return [
        *(f"{table}: its trigger append_only is off or gone" for (table,) in unguarded),
        *(f"{what}: belongs to {owner}, not to clearing_owner" for what, owner in owners),
        *(f"{what}: {grantee} may {right}" for what, grantee, right in grants),
    ]


def has_checksums(connection: Connection) -> bool:
    """Whether the server notices a page that its disk has changed."""
    return setting(connection, "data_checksums") == "on"
