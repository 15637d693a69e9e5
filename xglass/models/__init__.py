"""Parameters in, Dataset out: one model a file."""
