"""From a photo and an expression to frames."""
