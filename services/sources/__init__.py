"""Sources of commands: files, gzip, standard input; CSV files of trades."""
