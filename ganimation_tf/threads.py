"""How many threads the libraries below us start."""

import cv2
import threadpoolctl


def single_threaded() -> None:
    """From now on OpenCV and numpy's BLAS work in the thread that calls them.

    For processes of which several share a machine: pools of threads in each would fight over its
    cores (a re-animated face then takes twice its CPU time). It also keeps bytes equal: BLAS
    divides its sums by its threads, and the last bits of a sum depend on how it was divided.
    """
    cv2.setNumThreads(1)
    threadpoolctl.threadpool_limits(1, user_api="blas")
