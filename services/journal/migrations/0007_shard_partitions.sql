-- From here on a month of the journal has a partition for each shard. A market's new row is then the last entry of its
-- index, the cheapest place: with all shards in one index the rows of member/0 stand behind it. Months made before stay
-- as they are, in one partition: nothing is rewritten, nothing locked.
DROP FUNCTION clearing.make_journal_month(date);

-- Makes the partition of a shard's month, before its first row there is written. The writer may call it, and nothing
-- else that changes tables. ATTACH and not PARTITION OF: it does not lock out readers and writers.
CREATE FUNCTION clearing.make_journal_partition(shard text, day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = clearing, pg_temp AS $$
DECLARE
    first date := date_trunc('month', day)::date;
    month text := 'journal_' || to_char(day, 'YYYY_MM');
    name text := month || '_' || translate(lower(shard), '/', '_');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('clearing.make_journal_month'));
    IF to_regclass(format('clearing.%I', month)) IS NULL THEN
        EXECUTE format('CREATE TABLE clearing.%I (LIKE clearing.journal) PARTITION BY LIST (shard)', month);
        PERFORM clearing.make_append_only(format('clearing.%I', month)::regclass);
        EXECUTE format('ALTER TABLE clearing.journal ATTACH PARTITION clearing.%I FOR VALUES FROM (%L) TO (%L)',
                       month, first, (first + interval '1 month')::date);
    END IF;
    IF (SELECT relkind FROM pg_class WHERE oid = format('clearing.%I', month)::regclass) = 'r'
       OR to_regclass(format('clearing.%I', name)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE clearing.%I (LIKE clearing.journal) '
                   'WITH (toast_tuple_target = 8160, autovacuum_vacuum_insert_threshold = -1)', name);
    PERFORM clearing.make_append_only(format('clearing.%I', name)::regclass);
    EXECUTE format('ALTER TABLE clearing.%I ATTACH PARTITION clearing.%I FOR VALUES IN (%L)', month, name, shard);
END $$;
REVOKE ALL ON FUNCTION clearing.make_journal_partition(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clearing.make_journal_partition(text, date) TO clearing_writer;
