"""The class of a processor: what decides how numerical libraries round here.

oneDNN, which computes TensorFlow's convolutions, picks its code by the instructions that the
processor has (its `ONEDNN_MAX_CPU_ISA` names the levels), and another code adds in another order.
Two machines of one class gave equal weights where they were compared; of two classes they differ in
the last digits, which training makes more of.
"""

import pathlib
import platform
from collections.abc import Collection, Sequence

_LEVELS: Sequence[tuple[str, Collection[str]]] = (
    ("avx10_1_512_amx", ("amx_tile", "amx_int8", "amx_bf16", "avx512_fp16")),
    ("avx512_core_bf16", ("avx512_bf16",)),
    ("avx512_core_vnni", ("avx512_vnni",)),
    ("avx512_core", ("avx512f", "avx512bw", "avx512vl", "avx512dq")),
    ("avx2_vnni", ("avx2", "avx_vnni")),
    ("avx2", ("avx2", "fma")),
    ("avx", ("avx",)),
    ("sse41", ("sse4_1",)),
)
"""oneDNN's levels, highest first, each with the flags of `/proc/cpuinfo` that it needs."""


def cpu_class() -> str:
    """Such as `x86_64-AuthenticAMD-avx512_core_bf16`; the architecture alone where Linux does not
    tell more."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    return class_of(platform.machine(), text)


def class_of(machine: str, cpuinfo: str) -> str:
    """The class of a processor.

    Args:
        machine: its architecture.
        cpuinfo: the text of `/proc/cpuinfo`.
    """
    facts: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    flags = set(facts.get("flags", "").split())
    level = next((name for name, needed in _LEVELS if flags.issuperset(needed)), None)
    return "-".join(filter(None, (machine, facts.get("vendor_id"), level)))
