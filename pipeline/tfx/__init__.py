"""The production line as TFX components; needs the extra `tfx` (docs/tfx.md).

    FaceExampleGen -> StatisticsGen -> SchemaGen -> FaceSchema -> ExampleValidator
                   -> Trainer -> FaceEvaluator -> FaceInfraValidator -> FacePusher

The components are thin: `input_digest`, `splits`, `trainer` and the commands that
`processes` runs do the work and load without TFX, as `options` does.
"""
