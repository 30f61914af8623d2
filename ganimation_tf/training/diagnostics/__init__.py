"""What goes wrong in a training, seen in its numbers and said in words."""
