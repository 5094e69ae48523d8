"""`control/0`: members, accounts, sessions and configuration."""
