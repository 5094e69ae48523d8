"""What could it cost: volatility, margin, price and position limits, calls, withdrawals. Pure."""
