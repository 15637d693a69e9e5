"""Dataset in, named physical quantity out."""
