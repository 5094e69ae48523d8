"""Settlement: index, control books, positions, prices, variation, ledger. Pure."""
