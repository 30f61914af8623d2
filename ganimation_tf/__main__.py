"""`python -m ganimation_tf` is `ganimation`."""

from ganimation_tf.cli import main

raise SystemExit(main())
