"""Fermions whose density couples to the modes of a cavity: bubble, saddle point, response."""
