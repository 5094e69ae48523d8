"""Shared by every host of shards, embedded or on Kafka: loading, memory of ids, commits."""
