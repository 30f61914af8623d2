"""What happens while `fit` runs: progress, metrics, checkpoints, pictures, diagnoses."""
