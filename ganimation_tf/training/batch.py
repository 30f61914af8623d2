"""Names of the tensors of a batch, shared by the data, the model and the callbacks.

| name | training element | evaluation batch |
| --- | --- | --- |
| `image` | (B, K, S, S, 3), uint8 or float32 in [-1, 1] | float32 (B, S, S, 3) |
| `action_units`, `target_action_units` | float32 (B, K, N): shown, and wanted | float32 (B, N) |
| `truth` | as `image`: what the target looks like | as `image` |
| `has_truth` | float32 (B, K), 0 where `truth` says nothing | float32 (B,) |
| `epsilon` | float32 (B, K) in [0, 1): where the penalty is taken | |
| `augmentation` | float32 (B, K, D) in [0, 1): numbers of `augmentation` | |
"""

IMAGE = "image"
ACTION_UNITS = "action_units"
TARGET = "target_action_units"
EPSILON = "epsilon"
TRUTH = "truth"
HAS_TRUTH = "has_truth"
AUGMENTATION = "augmentation"
