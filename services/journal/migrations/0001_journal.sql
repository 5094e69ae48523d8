-- The journal and what stands beside it (ARCHITECTURE §3). Run as clearing_owner, schema clearing exists.
-- Append-only tables: clearing_writer may SELECT and INSERT; triggers refuse the rest to everybody, the owner too.

CREATE FUNCTION clearing.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = clearing, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION clearing.make_append_only(guarded regclass) RETURNS void
LANGUAGE plpgsql SET search_path = clearing, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION clearing.refuse_change()', guarded);
    -- ALWAYS: also under session_replication_role = replica.
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', guarded);
END $$;
REVOKE ALL ON FUNCTION clearing.refuse_change(), clearing.make_append_only(regclass) FROM PUBLIC;

-- One row per input. decided counts over all shards of one process, in the order of deciding.
-- Fixed columns first: no padding between them, and Postgres finds them without walking the long ones.
CREATE TABLE clearing.journal (
    shard text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    business_date date NOT NULL,
    origin text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    decided bigint NOT NULL,
    input bytea NOT NULL,
    parts integer NOT NULL,
    facts bytea NOT NULL,
    chain bytea NOT NULL
) PARTITION BY RANGE (business_date);
CREATE UNIQUE INDEX journal_row ON clearing.journal (shard, seq, business_date);
-- Storage stays the default, compressed where it is long: parts of a megabyte of facts write as fast as plain
-- ones (150 against 169 MiB/s) and take a thirteenth of the disk.
SELECT clearing.make_append_only('clearing.journal');

-- Makes the partition of a month, before the first row of that month is written. The writer may call it,
-- and nothing else that changes tables. ATTACH and not PARTITION OF: it does not lock out readers and writers.
CREATE FUNCTION clearing.make_journal_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = clearing, pg_temp AS $$
DECLARE
    first date := date_trunc('month', day)::date;
    name text := 'journal_' || to_char(day, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('clearing.make_journal_month'));
    IF to_regclass('clearing.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE clearing.%I (LIKE clearing.journal) '
                   'WITH (toast_tuple_target = 8160, autovacuum_vacuum_insert_threshold = -1)', name);
    PERFORM clearing.make_append_only(format('clearing.%I', name)::regclass);
    EXECUTE format('ALTER TABLE clearing.journal ATTACH PARTITION clearing.%I FOR VALUES FROM (%L) TO (%L)',
                   name, first, (first + interval '1 month')::date);
END $$;
REVOKE ALL ON FUNCTION clearing.make_journal_month(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clearing.make_journal_month(date) TO clearing_writer;
-- Rows before the first session carry the first day of the calendar.
SELECT clearing.make_journal_month('0001-01-01');

-- Facts beyond the first part of an input: part 1, 2, ...; part 0 stands in the journal row.
CREATE TABLE clearing.journal_part (
    shard text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    part integer NOT NULL CHECK (part >= 1),
    facts bytea NOT NULL,
    PRIMARY KEY (shard, seq, part)
);
SELECT clearing.make_append_only('clearing.journal_part');

-- What a market shard has for another shard: dense number by source and target, barrier it belongs to,
-- last: the source's last word at this barrier. seq: the journal row of the source that made it.
CREATE TABLE clearing.link (
    source text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    barrier bigint NOT NULL,
    seq bigint NOT NULL,
    last boolean NOT NULL,
    payload bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (target, source, number)
);
CREATE INDEX link_barrier ON clearing.link (target, barrier);
-- Columns of integers: compressing them costs ten times the time of writing them as they are.
ALTER TABLE clearing.link ALTER COLUMN payload SET STORAGE EXTERNAL;
SELECT clearing.make_append_only('clearing.link');

-- Remembered ids, as runs: one row per batch and shard, packed arrays sorted by key (id_index.py).
-- keys: int64 little-endian; seqs: int32 little-endian, counted from the first seq of the span.
-- Hashes do not compress: EXTERNAL, here and below.
CREATE TABLE clearing.identity (
    shard text COLLATE "C" NOT NULL,
    span integer NOT NULL,
    seq_first bigint NOT NULL,
    keys bytea NOT NULL,
    seqs bytea NOT NULL,
    PRIMARY KEY (shard, span, seq_first)
);
ALTER TABLE clearing.identity ALTER COLUMN keys SET STORAGE EXTERNAL;
ALTER TABLE clearing.identity ALTER COLUMN seqs SET STORAGE EXTERNAL;
SELECT clearing.make_append_only('clearing.identity');

-- A sealed span: all its ids by leading bits of the key, a few hundred to the page, and the filter over them.
CREATE TABLE clearing.identity_page (
    shard text COLLATE "C" NOT NULL,
    span integer NOT NULL,
    page integer NOT NULL,
    keys bytea NOT NULL,
    seqs bytea NOT NULL,
    PRIMARY KEY (shard, span, page)
) WITH (toast_tuple_target = 8160);
ALTER TABLE clearing.identity_page ALTER COLUMN keys SET STORAGE EXTERNAL;
ALTER TABLE clearing.identity_page ALTER COLUMN seqs SET STORAGE EXTERNAL;
SELECT clearing.make_append_only('clearing.identity_page');

CREATE TABLE clearing.identity_filter (
    shard text COLLATE "C" NOT NULL,
    span integer NOT NULL,
    words bytea NOT NULL,
    PRIMARY KEY (shard, span)
);
ALTER TABLE clearing.identity_filter ALTER COLUMN words SET STORAGE EXTERNAL;
SELECT clearing.make_append_only('clearing.identity_filter');

-- The fence: where each shard stands. seq and chain of its last row, next_offset of its inbox.
CREATE TABLE clearing.shard_head (
    shard text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,
    chain bytea NOT NULL,
    next_offset bigint NOT NULL
) WITH (fillfactor = 50);

-- Files read: position and SHA-256 of the bytes read so far, lines of them, whether the end was reached.
CREATE TABLE clearing.source (
    name text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    sha256 bytea NOT NULL,
    lines bigint NOT NULL,
    ended boolean NOT NULL
) WITH (fillfactor = 50);

-- The books of a shard at a seq, in parts of at most a megabyte.
CREATE TABLE clearing.snapshot (
    shard text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    part integer NOT NULL,
    parts integer NOT NULL,
    chain bytea NOT NULL,
    business_date date NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (shard, seq, part)
);
ALTER TABLE clearing.snapshot ALTER COLUMN state SET STORAGE EXTERNAL;
SELECT clearing.make_append_only('clearing.snapshot');

-- Day hashes.
CREATE TABLE clearing.day (
    shard text COLLATE "C" NOT NULL,
    business_date date NOT NULL,
    seq bigint NOT NULL,
    state_hash bytea NOT NULL,
    PRIMARY KEY (shard, business_date)
);
SELECT clearing.make_append_only('clearing.day');

-- Read models: written with the row that made them, never changed.
CREATE TABLE clearing.settlement_price (
    shard text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    product text COLLATE "C" NOT NULL,
    contract text COLLATE "C" NOT NULL,
    business_date date NOT NULL,
    cycle text COLLATE "C" NOT NULL,
    price_ticks bigint NOT NULL,
    tier integer,
    kind text COLLATE "C" NOT NULL
);
CREATE INDEX settlement_price_day ON clearing.settlement_price (business_date, contract);
SELECT clearing.make_append_only('clearing.settlement_price');

CREATE TABLE clearing.statement (
    shard text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    account text COLLATE "C" NOT NULL,
    member text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    business_date date NOT NULL,
    cycle text COLLATE "C" NOT NULL,
    cash_cents bigint NOT NULL,
    variation_cents bigint NOT NULL,
    initial_cents bigint NOT NULL,
    maintenance_cents bigint NOT NULL,
    equity_cents bigint NOT NULL,
    positions text COLLATE "C" NOT NULL
);
CREATE INDEX statement_member ON clearing.statement (business_date, member);
CREATE INDEX statement_account ON clearing.statement (account);
SELECT clearing.make_append_only('clearing.statement');

GRANT SELECT, INSERT ON
    clearing.journal, clearing.journal_part, clearing.link, clearing.identity, clearing.identity_page,
    clearing.identity_filter, clearing.snapshot, clearing.day, clearing.settlement_price, clearing.statement
    TO clearing_writer;
GRANT SELECT, INSERT, UPDATE ON clearing.shard_head, clearing.source TO clearing_writer;
