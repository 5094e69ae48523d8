"""The part that meets the world: journal, workers, database, command line, pages."""
