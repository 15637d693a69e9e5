"""Dataset in, lazy Dataset with a simulated dimension out."""
