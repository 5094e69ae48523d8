"""Reports: what the journal says, as tables."""
