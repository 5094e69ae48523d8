"""What every host of shards needs, embedded or on Kafka: books loaded, ids remembered, outboxes."""
