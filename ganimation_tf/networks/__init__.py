"""Generator and critic as published (arXiv:1807.09251, section 4.1), as functional Keras models.

Only stock layers and operations, so that a saved network loads with no custom object.

The published networks leave three settings to PyTorch's defaults, which are not Keras's:
GroupNormalization's epsilon (1e-5, not 1e-3), LeakyReLU's slope (0.01, not 0.3) and the padding
of the strided convolutions, which Keras's "same" gives exactly for even sizes.
"""

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "ganimation_tf trains with Keras's TensorFlow backend alone, got "
        f"{keras.backend.backend()}: its training step and its data are TensorFlow's"
    )
