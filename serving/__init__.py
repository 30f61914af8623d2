"""The serving side: TensorFlow Serving's gRPC API, a server for it and a client of it."""
