"""Memory: how much is available, and a clear error before an output that does not fit."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def available_memory() -> int | None:
    """Return the bytes that this process can still get, or None if the system does not report it.

    The minimum of what is free or reclaimable on the machine, what the control group
    (container) allows, and what is left of the address-space limit (``ulimit -v``).
    """
    limits = [left for left in (_machine(), _control_group(), _address_space()) if left is not None]
    return min(limits, default=None)


def check_fits(nbytes: int, what: str, remedy: str) -> None:
    """Raise a MemoryError if more is to be allocated than is available.

    Parameters
    ----------
    nbytes : int
        Bytes that are about to be allocated.
    what, remedy : str
        What needs them, and what the user can do instead.

    Raises
    ------
    MemoryError
        Saying how much is needed, how much there is, and the remedy.
    """
    if nbytes < 1 << 22:
        return  # below 4 MB, asking the system would take longer than the work
    available = available_memory()
    if available is not None and nbytes > available:
        raise MemoryError(
            f"{what} needs {_human(nbytes)}, but {_human(available)} of memory are available. "
            f"{remedy}"
        )


def _human(nbytes: int) -> str:
    return f"{nbytes / 1e9:.2f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:.1f} MB"


def _machine() -> int | None:
    """Return the bytes that are free or reclaimable on this machine, or None."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _control_group() -> int | None:
    """Return the bytes that the strictest control group of this process leaves, or None."""
    try:
        own = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return None
    left = []
    for _, controllers, path in own:
        if controllers in ("", "memory"):
            root = Path("/sys/fs/cgroup") / controllers
            group = root / path.lstrip("/")
            left += [
                _left(folder)
                for folder in (group, *group.parents)
                if root in (folder, *folder.parents)
            ]
    return min((each for each in left if each is not None), default=None)


def _left(group: Path) -> int | None:
    """Return the bytes that one control group leaves, version 2 or 1; None without a limit."""
    second = "memory.max", "memory.current", "inactive_file"
    first = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
    for limit, usage, given_back in (second, first):
        try:
            allowed = int((group / limit).read_text())  # "max" where there is no limit
            used = int((group / usage).read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue
        # Cached pages of files that nobody uses count as used, but are freed on demand.
        return max(allowed - used + int(stat.get(given_back, 0)), 0)
    return None


def _address_space() -> int | None:
    """Return the bytes that the address-space limit of this process leaves, or None."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    if limit == resource.RLIM_INFINITY or not statm.exists():
        return None
    used = int(statm.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return max(limit - used, 0)
