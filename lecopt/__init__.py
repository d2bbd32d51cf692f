"""Gradient-descent optimizers, as the course book teaches them."""
