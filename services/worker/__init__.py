"""`clearing worker`: the shards hosted on Kafka and Faust (ARCHITECTURE §4)."""
