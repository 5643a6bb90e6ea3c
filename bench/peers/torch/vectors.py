"""How wide the vectors are that PyTorch's parts compute with, by what they say themselves. Unknown parts are left out."""

import ctypes

import torch

BITS = {"SSE": 128, "AVX": 256, "AVX2": 256, "AVX512": 512, "Haswell": 256, "Zen": 256, "SkylakeX": 512, "Cooperlake": 512, "Sapphirerapids": 512}


def libraries():
    """What is loaded, asked for one after another: which of them has a function is not known before."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split()[-1] for line in maps if ".so" in line and any(part in line for part in ("blas", "dnnl", "torch_cpu"))}
    return [ctypes.CDLL(path) for path in sorted(paths)]


def vectors():
    """{ part: [bits or None, name] }"""
    found = {}
    usage = torch.__config__.show().split("CPU capability usage: ")
    if len(usage) > 1:
        found["ATen"] = usage[1].split("\n")[0].strip()
    try:
        loaded = libraries()
    except OSError:
        loaded = []  # no /proc here
    for library in loaded:
        if hasattr(library, "openblas_get_corename"):
            library.openblas_get_corename.restype = ctypes.c_char_p
            found["OpenBLAS"] = library.openblas_get_corename().decode()
        if hasattr(library, "dnnl_get_effective_cpu_isa"):
            isa = library.dnnl_get_effective_cpu_isa()  # bits of dnnl_types.h: AVX2 4, the first of AVX-512 beyond Xeon Phi 32
            found["oneDNN"] = "AVX512" if isa & 32 else "AVX2" if isa & 4 else "SSE"
    return {part: [BITS.get(name), name] for part, name in found.items()}
