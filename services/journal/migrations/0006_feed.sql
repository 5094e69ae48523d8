-- How far each source was fed to Kafka, so that the same feed goes on exactly (feed/source_book.py). One row a source.
-- run: of the feed that may write the row. producer_id, producer_epoch: Kafka's, the same for all feeds of the source.
-- first, line: the first line that was read and the last one fed; lines, sha256: how many between were not empty, and
-- their bytes. products: those in use there, by which lines were sent. Beyond these lines others may be in Kafka unless
-- is_whole; by shard, sequences: how many messages of the source its inbox has up to here, offsets: where to look on.
CREATE TABLE clearing.feed (
    source text COLLATE "C" PRIMARY KEY,
    run bigint NOT NULL,
    producer_id bigint NOT NULL,
    producer_epoch integer NOT NULL,
    first bigint NOT NULL,
    line bigint NOT NULL,
    lines bigint NOT NULL,
    sha256 bytea NOT NULL,
    products text[] COLLATE "C" NOT NULL,
    shards text[] COLLATE "C" NOT NULL,
    sequences bigint[] NOT NULL,
    offsets bigint[] NOT NULL,
    is_whole boolean NOT NULL
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE ON clearing.feed TO clearing_writer;
