"""`clearing doctor`: checks of everything that clearing needs, with advice where one fails."""
