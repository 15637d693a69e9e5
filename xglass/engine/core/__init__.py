"""What knows no model: compilation, BLAS threads, random streams, Ewald sums, spectra of lines."""
