"""The Beam side: annotated photos in, a directory of TFRecords out. Never imports TensorFlow."""
