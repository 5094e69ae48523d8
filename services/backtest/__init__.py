"""Back-tests of margin on the index or on a journal, as table, CSV, JSON and a page."""
