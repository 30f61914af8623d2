"""What `GANimation` needs of a generator and a critic that may be anyone's."""

import keras

from ganimation_tf.networks.precision import require_float32_weights

GENERATED = ("image", "attention", "color")


def require_usable(generator: keras.Model, critic: keras.Model) -> None:
    """Refuses networks that could not be trained, or not on what their user thinks.

    Raises:
        ValueError: naming the network, the rule and what it has instead.
    """
    for name, network, outputs in (
        ("generator", generator, GENERATED),
        ("critic", critic, ("action_units",)),
    ):
        require_float32_weights(network)
        _require_outputs(name, network, outputs)
        _require_channels_last(name, network)
        held = [
            f"{layer.name} ({kind})"
            for layer in network._flatten_layers()
            for kind in ("kernel_regularizer", "bias_regularizer", "activity_regularizer")
            if getattr(layer, kind, None) is not None
        ]
        if held:
            raise ValueError(
                f"regularizers of {name} are not part of GANimation's losses: {', '.join(held)}; "
                "give its optimizer a weight_decay"
            )
    _require_alike(generator, critic)


def _require_alike(generator: keras.Model, critic: keras.Model) -> None:
    image, wanted = generator.inputs
    for what, ours, theirs in (
        ("images", image, critic.inputs[0]),
        ("AUs", wanted, critic.output["action_units"]),
    ):
        if None not in (*ours.shape[1:], *theirs.shape[1:]) and ours.shape[1:] != theirs.shape[1:]:
            raise ValueError(
                f"generator and critic must be about the same {what}, got "
                f"{tuple(ours.shape[1:])} and {tuple(theirs.shape[1:])}"
            )


def _require_outputs(name: str, network: keras.Model, needed: tuple[str, ...]) -> None:
    outputs = getattr(network, "output", None)
    if not isinstance(outputs, dict) or not set(needed) <= outputs.keys():
        got = ", ".join(outputs) if isinstance(outputs, dict) else type(outputs).__name__
        raise ValueError(f"{name} must give a dict of {', '.join(needed)}, got {got}")


def _require_channels_last(name: str, network: keras.Model) -> None:
    shape = tuple(network.inputs[0].shape[1:])
    if len(shape) != 3 or shape[-1] != 3:
        raise ValueError(
            f"{name} takes images of {shape}: channels must be the last of three axes, as those of "
            "the data and the losses are"
        )


def require_same_on_replicas(*networks: keras.Model) -> None:
    """Refuses a layer that would see a replica's images alone.

    Raises:
        ValueError: naming the layer.
    """
    for network in networks:
        for layer in network._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized:
                raise ValueError(
                    f"{layer.name} of {network.name} normalizes each replica's images by "
                    "themselves: build it with synchronized=True"
                )
