"""Training: data and targets, losses, the model, the run and what watches it."""
