"""What this process may use of the machine: processors and memory, never what the host has.

`simulate` takes its number of threads from here, `forecast` and `watch` the memory that is left.
Limits come from the processor affinity, from control groups (both versions) and from the limit on
the address space; where a system has none of them, the whole machine counts.
"""

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def processors(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Processors that this process may keep busy, at least one.

    Args:
        groups: Where control groups are mounted.
        own: The file that names the groups of this process.
    """
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    allowed = float(found or 1)
    for folder in _folders("cpu", groups, own):
        quota, *period = _words(folder / "cpu.max")  # version 2
        if not period:
            quota = _words(folder / "cpu.cfs_quota_us")[0]
            period = _words(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period[0].isdigit() and int(period[0]):
            allowed = min(allowed, int(quota) / int(period[0]))
    return max(1, ceil(allowed))


def free_memory(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Bytes that this process may still take.

    Args:
        groups: Where control groups are mounted.
        own: The file that names the groups of this process.
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    for folder in _folders("memory", groups, own):
        for limit, usage, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, used = _words(folder / limit)[0], _words(folder / usage)[0]
            if most.isdigit() and used.isdigit():
                words = _words(folder / "memory.stat")
                at = words.index(cache) + 1 if cache in words else len(words)
                reclaimable = int(words[at]) if at < len(words) else 0
                free = min(free, int(most) - int(used) + reclaimable)
    return max(0, min(free, _address_space()))


def _address_space() -> int:
    """Bytes left below the limit on the address space; without one, more than any machine has."""
    endless = 2**62
    try:
        import resource
    except ImportError:  # not on every system
        return endless
    import psutil

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return (
        endless if limit == resource.RLIM_INFINITY else limit - psutil.Process().memory_info().vms
    )


def _folders(controller: str, groups: Path, own: Path) -> Iterator[Path]:
    """Folders whose limits hold for this process: its groups and all above them.

    Within a container the path may name folders that cannot be seen; those are passed over.
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if names and controller not in names.split(","):
            continue
        mount = groups / names if names else groups
        inside = mount / path.strip("/")
        for folder in (inside, *inside.parents):
            if folder.is_relative_to(mount) and folder.is_dir():
                yield folder


def _words(file: Path) -> list[str]:
    """Words of a small system file; one empty word where it is missing."""
    try:
        return file.read_text(encoding="utf-8").split() or [""]
    except OSError:
        return [""]
