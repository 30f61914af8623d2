"""Messages of other systems that this package speaks without loading TensorFlow."""
