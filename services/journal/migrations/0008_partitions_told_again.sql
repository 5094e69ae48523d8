-- A session that reads the journal for the first time just when a partition is attached can miss the partition from then
-- on: Postgres hears of the change while it lists the partitions, and keeps the list. So the first batch in a partition
-- tells all sessions again as it commits, before anybody can read its rows; they list anew.

-- Tells of all partitions of a month. It sets a default again: what it does is only to be told. Its lock is that of
-- ATTACH, for the length of one COMMIT. The writer may call it.
CREATE FUNCTION clearing.tell_of_partitions(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = clearing, pg_temp AS $$
BEGIN
    ALTER TABLE ONLY clearing.journal ALTER COLUMN shard SET STATISTICS -1;
    EXECUTE format('ALTER TABLE ONLY clearing.%I ALTER COLUMN shard SET STATISTICS -1',
                   'journal_' || to_char(day, 'YYYY_MM'));
END $$;
REVOKE ALL ON FUNCTION clearing.tell_of_partitions(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clearing.tell_of_partitions(date) TO clearing_writer;
