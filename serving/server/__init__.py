"""A server that speaks TensorFlow Serving's gRPC and REST APIs, from Python."""
