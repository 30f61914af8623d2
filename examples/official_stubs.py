"""A served model, asked with the stubs of tensorflow-serving-api and nothing of this package.

What a program in another language does: the messages are TensorFlow Serving's own, and the names
are those of docs/export.md.

    python examples/official_stubs.py 127.0.0.1:8500 crop.png AU12 edited.png
"""

import argparse
import json
import pathlib

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

TIMEOUT = 60.0


def predict(stub, signature: str, **inputs) -> dict:
    """Calls a signature of the model `ganimation`: arrays by name in, arrays by name out."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "ganimation"
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    answer = stub.Predict(request, timeout=TIMEOUT)
    return {name: tf.make_ndarray(tensor) for name, tensor in answer.outputs.items()}


def main(argv: list[str] | None = None) -> int:
    """Edits one crop; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="HOST:PORT")
    parser.add_argument("crop", type=pathlib.Path, help="JPEG or PNG of a face crop")
    parser.add_argument("action_unit", help="the AU that is to go to 1, such as AU12")
    parser.add_argument("output", type=pathlib.Path, help="a PNG")
    args = parser.parse_args(argv)
    with grpc.insecure_channel(args.server) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        card = json.loads(predict(stub, "describe", request=["card"])["model_card"][0])
        crop = args.crop.read_bytes()
        units = predict(stub, "estimate", image_bytes=[crop])["action_units"]
        units[0, card["action_units"].index(args.action_unit)] = 1.0
        edited = predict(stub, "serving_default", image_bytes=[crop], action_units=units)
        args.output.write_bytes(edited["image_bytes"][0])
    print(f"wrote {args.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
