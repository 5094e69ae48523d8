"""Who owes what: the index, acceptance, novation, positions, prices, variation, ledger. Pure."""
