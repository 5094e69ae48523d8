"""The words: units, contracts, commands, facts, refusals and their codec. Imports nothing of ours."""
