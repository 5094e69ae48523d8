"""A market: trades, positions, index, prices and limits of one product."""
