"""The shards: pure composition of settlement and risk into control, market and member books."""
