"""Risk: volatility, margin, price and position limits, calls, withdrawals. Pure."""
