"""One electron and two-level systems: operators, Lanczos, time evolution, mean field theory."""
