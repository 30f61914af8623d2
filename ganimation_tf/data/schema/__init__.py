"""Bounds that a first data set sets for the next: taken, kept, checked."""
