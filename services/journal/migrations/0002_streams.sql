-- The journal on Kafka (ARCHITECTURE §2, §4): who reads what, and the numbers of control commands.

-- Which partition is the inbox of which shard, recorded when the topics are made and never changed.
-- topic_id: Kafka's own; a topic that was deleted and made anew has another one.
CREATE TABLE clearing.inbox (
    shard text COLLATE "C" PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL CHECK (partition >= 0),
    topic_id text COLLATE "C" NOT NULL,
    UNIQUE (topic, partition)
);
SELECT clearing.make_append_only('clearing.inbox');

-- Number n of a control command that stands, and its row of control/0, from which its copies are made.
CREATE TABLE clearing.control_number (
    shard text COLLATE "C" NOT NULL CHECK (shard = 'control/0'),
    seq bigint NOT NULL UNIQUE,
    number bigint PRIMARY KEY CHECK (number >= 1),
    business_date date NOT NULL
);
INSERT INTO clearing.control_number (shard, seq, number, business_date)
SELECT shard, seq, row_number() OVER (ORDER BY seq), business_date FROM clearing.journal
WHERE shard = 'control/0' AND seq > 0 AND length(facts) > 0
AND substring(facts FROM 1 FOR 27) <> convert_to('{"type":"command_refused/1"', 'UTF8');
SELECT clearing.make_append_only('clearing.control_number');

-- How far each shard has followed: the number of its last copy, of control/0 itself its last number.
ALTER TABLE clearing.shard_head ADD COLUMN control_number bigint NOT NULL DEFAULT 0;
UPDATE clearing.shard_head SET control_number = (SELECT coalesce(max(number), 0) FROM clearing.control_number);

GRANT SELECT, INSERT ON clearing.inbox, clearing.control_number TO clearing_writer;
