"""The production line as TFX components; needs the extra `tfx` (docs/tfx.md).

    FaceExampleGen -> StatisticsGen -> SchemaGen -> ExampleValidator
                   -> Trainer -> FaceEvaluator -> FaceInfraValidator -> FacePusher

`options` and `splits` load without TFX.
"""
