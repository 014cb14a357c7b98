"""Check what is published: ``python -m build && python tests/check_dist.py dist``.

The wheel holds every module of the package, the marker of its types, and nothing else; the source
distribution holds what is needed to build it again, and no file of a machine.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "imblearn_images"
BESIDE = {"README.md", "LICENSE", "pyproject.toml", "PKG-INFO", "setup.cfg"}


def own_files() -> set[str]:
    """Files of the package as they are in the repository."""
    found = [*(ROOT / PACKAGE).rglob("*.py"), ROOT / PACKAGE / "py.typed"]
    return {path.relative_to(ROOT).as_posix() for path in found}


def faults_of_wheel(path: Path) -> list[str]:
    """Return what is wrong with the wheel."""
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        said = Parser().parsestr(wheel.read(metadata).decode("utf-8"))
        points = wheel.read(metadata.replace("METADATA", "entry_points.txt")).decode("utf-8")
    packed = {name for name in names if ".dist-info/" not in name}
    faults = [f"wheel: {name} is missing" for name in sorted(own_files() - packed)]
    faults += [f"wheel: {name} does not belong here" for name in sorted(packed - own_files())]
    if "imblearn-images = imblearn_images.__main__:main" not in points:
        faults.append(f"wheel: no command in {points!r}")
    if said["Version"] not in path.name or not said.get_payload():
        faults.append("wheel: no description, or another version than its name says")
    if said["License-Expression"] != "MIT" or not said["Requires-Python"]:
        faults.append("wheel: no licence, or any Python")
    return faults


def faults_of_source(path: Path) -> list[str]:
    """Return what is wrong with the source distribution."""
    with tarfile.open(path) as source:
        names = {name.partition("/")[2] for name in source.getnames()} - {""}
    needed = own_files() | BESIDE
    faults = [f"source: {name} is missing" for name in sorted(needed - names)]
    allowed = re.compile(rf"({PACKAGE}|{PACKAGE}\.egg-info|tests)(/|$)")
    strange = [name for name in names - BESIDE if not allowed.match(name)]
    strange += [name for name in names if re.search(r"\.(pyc|so|png|npz)$|__pycache__", name)]
    return faults + [f"source: {name} does not belong here" for name in sorted(strange)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    wheels, sources = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    faults = [] if (len(wheels), len(sources)) == (1, 1) else [f"{folder}: not one of each"]
    faults += [fault for path in wheels for fault in faults_of_wheel(path)]
    faults += [fault for path in sources for fault in faults_of_source(path)]
    for path in (*wheels, *sources):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    print("\n".join(faults) or "no fault")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
