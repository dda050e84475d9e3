"""What the kernel's allocators have given out."""

import os
import pathlib

from . import box

PAGE = os.sysconf("SC_PAGE_SIZE")


def slab():
    """Bytes of the slabs that there are."""
    total = 0
    for line in pathlib.Path("/proc/slabinfo").read_text(encoding="ascii").splitlines()[2:]:
        fields = line.split()
        pages, slabs = int(fields[5]), int(fields[14])
        total += pages * slabs * PAGE
    return total


def percpu():
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("Percpu:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo tells nothing about Percpu")


def shrunk():
    """Both, once what is only kept for later has been given back."""
    box.sysctl("vm/drop_caches", 3)
    for cache in pathlib.Path("/sys/kernel/slab").iterdir():
        if not cache.is_symlink():
            (cache / "shrink").write_text("1\n", encoding="ascii")
    return slab(), percpu()
