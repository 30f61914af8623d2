"""The messages of TensorFlow Serving that a client and an export need, without TensorFlow.

The official stubs (`tensorflow_serving.apis`) import all of TensorFlow: seconds and hundreds of
MiB before the first request. The few messages below are declared in a descriptor pool of their
own, with the names and numbers of the official .proto files, so that both can be loaded in one
process. A field that is not declared here is kept as an unknown field, not lost.

Enums are declared as int32, which is the same on the wire: `DataType` and `ModelVersionStatus.State`.
"""  # noqa: E501 (a name)

import math

import numpy as np
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
"""Names of `ModelVersionStatus.State`."""

DT_STRING = 7
_NUMERIC = {
    1: ("float32", "float_val"),
    2: ("float64", "double_val"),
    3: ("int32", "int_val"),
    4: ("uint8", "int_val"),
    9: ("int64", "int64_val"),
    10: ("bool", "bool_val"),
}
DTYPES = {number: name for number, (name, _) in _NUMERIC.items()} | {DT_STRING: "string"}
"""`DataType` number -> NumPy name, of the types that this module reads and writes."""

_field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "double": _field.TYPE_DOUBLE,
    "float": _field.TYPE_FLOAT,
    "int32": _field.TYPE_INT32,
    "int64": _field.TYPE_INT64,
    "uint32": _field.TYPE_UINT32,
    "bool": _field.TYPE_BOOL,
    "string": _field.TYPE_STRING,
    "bytes": _field.TYPE_BYTES,
}


def _add_field(message, type_name: str, name: str, number: int, label=_field.LABEL_OPTIONAL):
    added = message.field.add(name=name, number=number, label=label)
    if type_name in _SCALARS:
        added.type = _SCALARS[type_name]
    else:
        added.type, added.type_name = _field.TYPE_MESSAGE, f".{type_name}"
    return added


def _add_message(file, name: str, fields: str) -> None:
    """Adds a message; `fields` reads as the body of one in a .proto file does."""
    message = file.message_type.add(name=name)
    for line in filter(None, map(str.strip, fields.split(";"))):
        *kind, field_name, number = line.replace("=", " ").split()
        if kind[0] == "map":  # string -> message; protobuf spells it as repeated entries
            entry_name = "".join(word.capitalize() for word in field_name.split("_")) + "Entry"
            entry = message.nested_type.add(name=entry_name)
            entry.options.map_entry = True
            _add_field(entry, "string", "key", 1)
            _add_field(entry, kind[1], "value", 2)
            entry_type = f"{file.package}.{name}.{entry_name}"
            _add_field(message, entry_type, field_name, int(number), _field.LABEL_REPEATED)
        elif kind[0] == "repeated":
            _add_field(message, kind[1], field_name, int(number), _field.LABEL_REPEATED)
        elif kind[0] == "oneof":
            if not message.oneof_decl:
                message.oneof_decl.add(name=kind[1])
            _add_field(message, kind[2], field_name, int(number)).oneof_index = 0
        else:
            _add_field(message, kind[0], field_name, int(number))


def _declare() -> descriptor_pool.DescriptorPool:
    tensorflow = descriptor_pb2.FileDescriptorProto(
        name="ganimation_tf/tensorflow.proto", package="tensorflow", syntax="proto3"
    )
    _add_message(tensorflow, "Dim", "int64 size = 1; string name = 2")
    _add_message(
        tensorflow, "TensorShapeProto", "repeated tensorflow.Dim dim = 2; bool unknown_rank = 3"
    )
    _add_message(
        tensorflow,
        "TensorProto",
        """int32 dtype = 1; tensorflow.TensorShapeProto tensor_shape = 2; int32 version_number = 3;
        bytes tensor_content = 4; repeated float float_val = 5; repeated double double_val = 6;
        repeated int32 int_val = 7; repeated bytes string_val = 8; repeated int64 int64_val = 10;
        repeated bool bool_val = 11""",
    )
    _add_message(
        tensorflow, "TensorInfo", "int32 dtype = 2; tensorflow.TensorShapeProto tensor_shape = 3"
    )
    _add_message(
        tensorflow,
        "SignatureDef",
        """map tensorflow.TensorInfo inputs = 1; map tensorflow.TensorInfo outputs = 2;
        string method_name = 3""",
    )
    serving = descriptor_pb2.FileDescriptorProto(
        name="ganimation_tf/serving.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=[tensorflow.name, any_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name],
    )
    for name, fields in {
        "ModelSpec": """string name = 1; string signature_name = 3;
            oneof version_choice google.protobuf.Int64Value version = 2;
            oneof version_choice string version_label = 4""",
        "PredictRequest": """tensorflow.serving.ModelSpec model_spec = 1;
            map tensorflow.TensorProto inputs = 2; repeated string output_filter = 3""",
        "PredictResponse": """map tensorflow.TensorProto outputs = 1;
            tensorflow.serving.ModelSpec model_spec = 2""",
        "GetModelMetadataRequest": """tensorflow.serving.ModelSpec model_spec = 1;
            repeated string metadata_field = 2""",
        "GetModelMetadataResponse": """tensorflow.serving.ModelSpec model_spec = 1;
            map google.protobuf.Any metadata = 2""",
        "SignatureDefMap": "map tensorflow.SignatureDef signature_def = 1",
        "GetModelStatusRequest": "tensorflow.serving.ModelSpec model_spec = 1",
        "StatusProto": "int32 error_code = 1; string error_message = 2",
        "ModelVersionStatus": """int64 version = 1; int32 state = 2;
            tensorflow.serving.StatusProto status = 3""",
        "GetModelStatusResponse": """
            repeated tensorflow.serving.ModelVersionStatus model_version_status = 1""",
        "PredictLog": """tensorflow.serving.PredictRequest request = 1;
            tensorflow.serving.PredictResponse response = 2""",
        "PredictionLog": "oneof log_type tensorflow.serving.PredictLog predict_log = 6",
    }.items():
        _add_message(serving, name, fields)
    pool = descriptor_pool.DescriptorPool()
    for official in (any_pb2, wrappers_pb2):
        pool.AddSerializedFile(official.DESCRIPTOR.serialized_pb)
    pool.Add(tensorflow)
    pool.Add(serving)
    return pool


_POOL = _declare()


def _class_of(name: str):
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


TensorProto = _class_of("tensorflow.TensorProto")
TensorShapeProto = _class_of("tensorflow.TensorShapeProto")
ModelSpec = _class_of("tensorflow.serving.ModelSpec")
PredictRequest = _class_of("tensorflow.serving.PredictRequest")
PredictResponse = _class_of("tensorflow.serving.PredictResponse")
GetModelMetadataRequest = _class_of("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = _class_of("tensorflow.serving.GetModelMetadataResponse")
SignatureDefMap = _class_of("tensorflow.serving.SignatureDefMap")
GetModelStatusRequest = _class_of("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = _class_of("tensorflow.serving.GetModelStatusResponse")
PredictionLog = _class_of("tensorflow.serving.PredictionLog")


def to_tensor(array: np.ndarray):
    """A `TensorProto` of numbers (as raw content) or of `bytes` objects (dtype object or S).

    Raises:
        ValueError: if the array's type has no place in `DTYPES`.
    """
    array = np.asarray(array)
    tensor = TensorProto()
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.dtype.kind in "OS":
        tensor.dtype = DT_STRING
        tensor.string_val.extend(array.ravel().tolist())
        return tensor
    for number, (name, _) in _NUMERIC.items():
        if array.dtype == name:
            tensor.dtype = number
            # "<": the protocol says the memory of the sender; every server in use is little-endian
            tensor.tensor_content = array.astype(array.dtype.newbyteorder("<")).tobytes()
            return tensor
    raise ValueError(f"a tensor must be one of {', '.join(DTYPES.values())}, got {array.dtype}")


def from_tensor(tensor) -> np.ndarray:
    """The array of a `TensorProto`; strings come as `bytes` in an array of dtype object.

    Numbers stand in `tensor_content` or, one by one, in the field of their type; there the last
    value counts for all that are left out, and zero or nothing for all if there is none.

    Raises:
        ValueError: if the type is not in `DTYPES` or the values do not fill the shape.
    """
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.dtype == DT_STRING:
        values = np.empty(len(tensor.string_val), object)
        values[:] = list(tensor.string_val)
    elif tensor.dtype not in _NUMERIC:
        raise ValueError(
            f"a tensor must be one of {', '.join(DTYPES.values())}, got {tensor.dtype}"
        )
    elif tensor.tensor_content:
        name = _NUMERIC[tensor.dtype][0]
        values = np.frombuffer(tensor.tensor_content, np.dtype(name).newbyteorder("<")).astype(name)
    else:
        name, field_name = _NUMERIC[tensor.dtype]
        values = np.array(getattr(tensor, field_name), name)
    missing = math.prod(shape) - len(values)
    if missing > 0 and not tensor.tensor_content:
        empty = np.array([b""], object) if tensor.dtype == DT_STRING else np.zeros(1, values.dtype)
        last = values[-1:] if len(values) else empty
        values = np.concatenate([values, np.repeat(last, missing)])
    if len(values) != math.prod(shape):
        raise ValueError(f"a tensor of shape {shape} must not hold {len(values)} values")
    return values.reshape(shape)
