"""The command line: thin, over what the other parts do."""
