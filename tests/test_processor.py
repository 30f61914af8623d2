import platform

import pytest

from ganimation_tf import processor

EPYC = "fpu sse4_1 avx avx2 fma avx512f avx512dq avx512bw avx512vl avx512_bf16 avx512_vnni"


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        (EPYC, "avx512_core_bf16"),
        (EPYC.replace("avx512_bf16", ""), "avx512_core_vnni"),
        ("sse4_1 avx avx2 fma", "avx2"),
        ("sse4_1 avx avx2", "avx"),
        ("sse4_1", "sse41"),
    ],
)
def test_levels_are_onednns(flags, level):
    text = f"processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: {flags}\n"
    assert processor.class_of("x86_64", text) == f"x86_64-AuthenticAMD-{level}"


def test_elsewhere_the_architecture_alone():
    assert processor.class_of("arm64", "") == "arm64"
    assert processor.cpu_class().startswith(platform.machine())
