"""Readers of annotations, a module for each tool that writes them; see `annotations`."""
