"""A local worker process: Beam's own worker without its start-up chatter.

Started by `runners.make_pipeline` as `python -m pipeline.local_worker`.
"""

import logging
import signal
import sys


def main() -> None:
    """Serves the runner whose address is in the environment until the runner closes."""
    # Ctrl-C reaches the whole process group; the submitting process answers it and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.WARNING)  # Beam warns, on import, of libraries it can do without
    from apache_beam.runners.worker import sdk_worker_main

    logging.disable(logging.NOTSET)
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    logging.getLogger(sdk_worker_main.__name__).setLevel(logging.ERROR)
    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
