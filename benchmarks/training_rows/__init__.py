"""The rows of `train_step.py`, each run in a process of its own that imports only what it needs."""
