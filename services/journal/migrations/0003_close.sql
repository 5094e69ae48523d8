-- From here on the program packs the facts of a part with zlib (services/journal/compressed.py) before it sends them;
-- parts from before stand as they are and begin with a brace. Postgres need not try to pack them again.
ALTER TABLE clearing.journal_part ALTER COLUMN facts SET STORAGE EXTERNAL;

-- Statements are asked for by date. An index over accounts of all dates costs each close more than the one before:
-- every account's entry lies on another page.
DROP INDEX clearing.statement_account;
