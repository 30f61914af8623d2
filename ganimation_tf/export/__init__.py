"""The generator as a SavedModel and in other formats, with names, card and checks."""
