"""What would be: a trade asked about, a stress, a default drilled, on the books as they stand."""
