"""The demonstration: a made-up market over real token prices, and the page that tells of it.

In: a seed, a number of days, and the facts that the clearinghouse stated so far. Out: command
lines in the words on the wire, plain lines that tell what happened, and one page of HTML.
Prices, scores and volumes are real and named with their sources (`data/SOURCES.md`); members,
accounts, trades and the SCU price are made up.
"""
