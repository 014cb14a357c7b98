"""Versions: what to name in a question or a bug report."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

__all__ = ["show_versions"]


def show_versions() -> None:
    """Print the versions of Python, of this package, and of the packages it works with.

    Begin a question or a bug report with this.

    Read more in the :ref:`User Guide <asking-for-help>`.

    Examples
    --------
    >>> from imblearn_images import show_versions
    >>> show_versions()
    python: 3...
    system: ...
    imblearn-images: ...
    imbalanced-learn: ...
    """
    _line("python", sys.version.split()[0])
    _line("system", platform.platform())
    for name in PACKAGES:
        try:
            _line(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            _line(name, "not installed")


def _line(name: str, version: str) -> None:
    """Print one line."""
    sys.stdout.write(f"{name}: {version}\n")


PACKAGES = (
    *(
        "imblearn-images",
        "imbalanced-learn",
        "scikit-learn",
        "numpy",
        "scipy",
        "scikit-image",
        "joblib",
    ),
    *("threadpoolctl", "Pillow", "matplotlib", "pandas", "tqdm", "imagehash", "torch"),
)
"""Packages that this one requires, and those that extend it."""
