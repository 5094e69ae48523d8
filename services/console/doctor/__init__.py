"""`clearing doctor`: what must be right before anything is cleared; what to do where it is not."""
