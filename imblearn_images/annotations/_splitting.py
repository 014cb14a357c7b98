"""Splitting: keep photos whole and give every class its share of objects on both sides."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from imblearn_images.core.annotations import Annotations, as_objects
from imblearn_images.core.columns import as_groups, sortable
from imblearn_images.core.duplicates import PHOTOS, looks, near_duplicates
from imblearn_images.core.splitting import share_out
from imblearn_images.core.text import counted

__all__ = ["split_annotations"]


def split_annotations(
    annotations: Annotations,
    validation: float = 0.2,
    *,
    test: float = 0.0,
    groups: Any = None,
    random_state: int | np.random.RandomState | None = 0,
) -> Annotations:
    """Split annotated images into training, validation and test parts.

    Images stay whole; each part gets its share of the objects of every class.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    annotations : Annotations
        The objects of all images.
    validation : float, default=0.2
        Share for validation.
    test : float, default=0.0
        Share for testing.
    groups : array-like of shape (n,), dict, callable or str, default=None
        Images that stay on one side, e.g. those of one patient: an array with one value per image;
        a dict that maps paths, or ends of paths that are unique, with "/", to groups; a callable
        that takes a path and returns its group; "stem-prefix", which groups files by their names
        up to the last "_", "-" or space; or "near-duplicates", which groups images that look alike.
        By default, a file that occurs several times stays on one side.
    random_state : int, RandomState instance or None, default=0
        Seed that decides between equally good sides.

    Returns
    -------
    annotations : Annotations
        The same annotations with an image column "split": "train", "val" or "test".
        :func:`write_annotations` writes each part where training programs look for it.

    Raises
    ------
    ValueError
        If the shares leave nothing for training, or there are more parts than images or groups.

    See Also
    --------
    imblearn_images.model_selection.MultilabelStratifiedKFold : Folds, which take annotations as y.

    Notes
    -----
    A class that occurs in two images is on both sides. On 120 photos of blood cells each class had
    its 20 % of objects within 0.4 points; see ``tests/benchmarks/annotations.py``.

    Examples
    --------
    >>> cells = Annotations.of(
    ...     boxes=[[[0, 0, 9, 9]] * n for n in (9, 3, 6, 6, 6)],
    ...     labels=[["red"] * n for n in (9, 3, 6, 6, 6)],
    ...     sizes=(48, 64),
    ... )
    >>> split_annotations(cells).image_columns["split"].tolist().count("val")
    1
    """
    shares = {"train": 1.0, "val": validation, "test": test}
    for name, share in (("validation", validation), ("test", test)):
        if not isinstance(share, Real) or isinstance(share, bool) or not 0 <= share < 1:
            raise ValueError(f"`{name}` must be a share from 0 to below 1, got {share!r}.")
    shares["train"] -= float(validation) + float(test)
    if shares["train"] <= 0:
        raise ValueError(
            f"`validation` and `test` must add up to less than 1, got {validation!r} and "
            f"{test!r}: nothing is left for training."
        )
    parts = [name for name, share in shares.items() if share > 0]
    names = _groups(annotations, groups)
    n_units = len(annotations) if names is None else len(np.unique(names))
    if n_units < len(parts):
        raise ValueError(
            f"{n_units} images or groups cannot be split into {len(parts)} parts. Add images, or "
            "use `validation=0`."
        )
    side = share_out(
        annotations.counts(),
        [shares[name] for name in parts],
        names,
        check_random_state(random_state),
    )
    column = as_objects(parts[at] for at in side.tolist())
    return replace(annotations, image_columns={**annotations.image_columns, "split": column})


def _groups(annotations: Annotations, groups: Any) -> NDArray[Any] | None:
    """Return the group of every image; None where each image is one of its own."""
    if isinstance(groups, (str, Mapping)) or callable(groups):
        if annotations.paths is None:
            raise ValueError(
                "`groups` must be one value for each image of annotations without paths, got "
                f"{groups!r:.60}."
            )
        groups = _of_paths([os.fspath(path) for path in annotations.paths], groups)
    if groups is not None:
        return sortable(as_groups(groups, len(annotations), of="images"))
    if annotations.paths is None:
        return None
    # A photo that is listed twice would be on both sides otherwise.
    _, number = np.unique([str(path) for path in annotations.paths], return_inverse=True)
    return None if len(np.unique(number)) == len(annotations) else number


def _of_paths(paths: list[str], groups: Any) -> list[Any]:
    """Return the group of each path, by the name of a rule, a dict or a callable."""
    if callable(groups):
        return [groups(path) for path in paths]
    if isinstance(groups, str):
        if groups == "stem-prefix":
            return [re.sub(r"[-_ ][^-_ ]*$", "", Path(path).stem) for path in paths]
        if groups == "near-duplicates":
            return near_duplicates(looks(as_objects(paths)), PHOTOS).tolist()
        raise ValueError(
            '`groups` must be one value for each image, a dict, a function, "stem-prefix" or '
            f'"near-duplicates", got {groups!r}.'
        )
    known = {os.fspath(path).replace("\\", "/"): group for path, group in groups.items()}
    found, missing = [], []
    for path in paths:
        parts = Path(path).parts
        names = [Path(*parts[at:]).as_posix() for at in range(len(parts))]
        name = next((name for name in names if name in known), None)
        found.append(None if name is None else known[name])
        missing += [path] if name is None else []
    if missing:
        raise ValueError(
            f"`groups` must name a group for each image file, but has none for {len(missing)} of "
            f"{counted(len(paths), 'image file')}, such as {missing[0]!r}. Give the path of each "
            "with '/', or its name."
        )
    return found
