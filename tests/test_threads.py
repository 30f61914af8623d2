"""Pools of threads that are switched off."""

import subprocess
import sys

PROGRAM = """
import cv2, numpy, threadpoolctl
cv2.setNumThreads(2)
threadpoolctl.threadpool_limits(2)
from ganimation_tf.threads import single_threaded
single_threaded()
pools = threadpoolctl.threadpool_info()
blas = {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}
print(cv2.getNumThreads(), blas)
"""


def test_opencv_and_blas_work_in_the_calling_thread():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1 {1}\n"
