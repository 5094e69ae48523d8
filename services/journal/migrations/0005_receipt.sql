-- When each input was received, in no hash: the rows of a shard from seq_first to the next seq_first came in this second.
-- clock: whose; run: of the process that wrote the row, broker: Kafka's, producer: of whoever sent it to Kafka.
-- Rows of an earlier program have none.
CREATE TABLE clearing.receipt (
    shard text COLLATE "C" NOT NULL,
    seq_first bigint NOT NULL,
    received_at timestamptz NOT NULL,
    clock text COLLATE "C" NOT NULL CHECK (clock IN ('run', 'broker', 'producer')),
    PRIMARY KEY (shard, seq_first)
);
SELECT clearing.make_append_only('clearing.receipt');
GRANT SELECT, INSERT ON clearing.receipt TO clearing_writer;
