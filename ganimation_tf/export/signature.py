"""Names of the exported model's signatures and tensors, shared by export, server, client, tests.

| signature | inputs | outputs |
| --- | --- | --- |
| `serving_default` | `image_bytes` string (B,): JPEG or PNG of a face crop, at most `MAX_PIXELS` pixels; `action_units` float32 (B, N) in [0, 1] | `image_bytes` string (B,): PNG |
| `render` | `image` float32 (B, S, S, 3) in [0, 1]; `action_units` | `image`, `color` (B, S, S, 3) in [0, 1]; `attention` (B, S, S, 1) in [0, 1]; of a model that warps `flow` (B, S, S, 2): output pixel (y, x) takes the input's (y + flow_y, x + flow_x), x first |
| `edit` | `image`; `source_action_units` float32 (B, N) in [0, 1], what it shows; `action_units` | as `render`; rows whose AUs are equal come back bit for bit |
| `estimate` | `image_bytes` | `action_units` float32 (B, N) in [0, 1]: the critic's or estimator's reading of the face |
| `edit_examples` | `examples` string (B,): serialized `tf.train.Example`s as a dataset's records are: `image/encoded`, `face/action_units` what it shows, `face/target_action_units` what is wanted, without it no change | `image_bytes` string (B, 1): PNG, edited as by `edit`; `action_units` float32 (B, N) in [0, 1]: the reading of `estimate` |
| `describe` | `request` string (B,), any text | `model_card` string (B,): `model_card.json`, the same for each |

`serving_default` and `render` read the source's AUs off the face where the model needs them.

`edit_examples` takes one string and no other input, as batch inference over files of records wants
it, TFX's BulkInferrer among them.

`describe` lets a client learn the AU names, the image size and the crop from the server alone;
TensorFlow Serving hands out no files. It takes one input and answers once per row because
batching in TensorFlow Serving needs a batch dimension on both sides.
"""  # noqa: E501 (a table)

EDIT = "serving_default"
RENDER = "render"
FROM_SOURCE = "edit"
ESTIMATE = "estimate"
FROM_EXAMPLES = "edit_examples"
DESCRIBE = "describe"

IMAGE_BYTES = "image_bytes"
IMAGE = "image"
ACTION_UNITS = "action_units"
SOURCE = "source_action_units"
ATTENTION = "attention"
COLOR = "color"
FLOW = "flow"
EXAMPLES = "examples"
REQUEST = "request"
CARD = "model_card"

MAX_PIXELS = 2**22
"""Most pixels of one encoded picture, 2048 x 2048; what claims more is not decoded. A PNG of 1 MB
can hold 400 million."""

MODEL_NAME = "ganimation"
"""The name under which the model is served unless told otherwise."""

MODEL_CARD = "model_card.json"
"""In `<version>/assets.extra/`: the AU names, the image size and crop, and where the model came from."""  # noqa: E501
