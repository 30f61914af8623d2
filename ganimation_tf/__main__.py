"""`python -m ganimation_tf` is `ganimation`."""

from ganimation_tf.cli import main

code = main()
# A Ctrl-C that comes out of an `exec`, by which dataclasses are made during an import, stays with
# Python: under `-m` it ends the process by SIGINT whatever the exit code. Another `exec` clears it.
exec("")
raise SystemExit(code)
