"""The command line: thin commands over `stemniche.api`, exit codes, nothing else."""
