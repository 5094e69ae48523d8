"""The embedded clearinghouse: the same shards and journal in one process."""
