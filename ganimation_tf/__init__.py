"""Face animation by facial Action Units: GANimation (arXiv:1807.09251) in Keras 3."""

__version__ = "0.1.0"
