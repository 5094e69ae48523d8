"""The words: units, contracts, commands, facts, refusals, codec. Imports nothing of ours."""
