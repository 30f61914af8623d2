"""FaceSchema: what TFX inferred of the records, set right by what is known of them.

TFDV takes the names of people and photos for categories, so that each new person is an anomaly, and
knows no bounds of numbers.
"""

import pathlib

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from ganimation_tf.data import manifest, records

FILE = "schema.pbtxt"
NAMES = (records.KEY, records.SUBJECT, records.PAIR)
"""Features whose values are names, new in each dataset."""


@component
def FaceSchema(
    examples: InputArtifact[standard_artifacts.Examples],
    inferred: InputArtifact[standard_artifacts.Schema],
    schema: OutputArtifact[standard_artifacts.Schema],
) -> None:
    """Writes the schema that data are checked against."""
    text = (pathlib.Path(inferred.uri) / FILE).read_text()
    curated = text_format.Parse(text, schema_pb2.Schema())
    curate(curated, manifest.Manifest.load(examples.uri).crop.size)
    directory = pathlib.Path(schema.uri)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / FILE).write_text(text_format.MessageToString(curated))


def curate(schema: schema_pb2.Schema, size: int) -> None:
    """Frees names, and bounds numbers, formats and sizes.

    Args:
        schema: changed in place.
        size: side of the crops in pixels.
    """
    kept = [domain for domain in schema.string_domain if domain.name not in NAMES]
    del schema.string_domain[:]
    schema.string_domain.extend(domain for domain in kept if domain.name != records.FORMAT)
    for feature in schema.feature:
        if feature.name in (*NAMES, records.FORMAT):
            feature.ClearField("domain")
        if feature.name == records.FORMAT:
            feature.string_domain.value[:] = ["jpeg", "png"]
        elif feature.name in (records.ACTION_UNITS, records.CONFIDENCE):
            feature.float_domain.min, feature.float_domain.max = 0.0, 1.0
        elif feature.name in (records.HEIGHT, records.WIDTH):
            feature.int_domain.min = feature.int_domain.max = size
