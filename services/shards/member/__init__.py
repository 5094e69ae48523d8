"""`member/0`: cash, margin, calls and the ledger of all members."""
