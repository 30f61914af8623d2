"""A `ganimation_tf.blessing.Blessing` as the artifact that TFX's components look for."""

import pathlib

from tfx.types import artifact

from ganimation_tf.blessing import FILE, Blessing

REASON = "reason"
"""Custom property of a blessing that was not given: what did not hold."""


def write(given: Blessing, to: artifact.Artifact, blessed: str, names: tuple[str, str]) -> None:
    """Writes the verdict, the file by which TFX tells it, and its properties.

    Args:
        given: the verdict; the push reads it again.
        to: a ModelBlessing or InfraBlessing.
        blessed: custom property that is 1 where it is given, else 0.
        names: of TFX's file where it is given and where it is not.
    """
    directory = pathlib.Path(to.uri)
    directory.mkdir(parents=True, exist_ok=True)
    given.write(directory / FILE)
    name = names[0] if given.blessed else names[1]
    (directory / name).write_text("".join(f"{line}\n" for line in given.failures))
    to.set_int_custom_property(blessed, int(given.blessed))
    if not given.blessed:
        to.set_string_custom_property(REASON, "; ".join(given.failures))
