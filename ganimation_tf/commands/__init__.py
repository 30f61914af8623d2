"""One module per command of `ganimation`.

Each has `HELP` (one line), `EXAMPLE` (a command line to paste), `configure(parser)` and
`run(args) -> int`. These modules are imported to build the help text, so they import neither
TensorFlow nor Beam at the top; `run` does.
"""
