"""What a dataset holds, in numbers: gathered per split, merged to the whole, judged in words."""
