"""Drawing: from the plan of a sampler to the images it returns or writes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_random_state

from imblearn_images.core.acceptance import check_judge, draw_until_accepted
from imblearn_images.core.containers import holds_paths, join_paths
from imblearn_images.core.decoding import DecodedBlend
from imblearn_images.core.images import ArrayImages, FileImages, as_images, check_finite
from imblearn_images.core.kin import Kin
from imblearn_images.core.likeness import Likeness
from imblearn_images.core.memory import check_fits
from imblearn_images.core.mixing import store
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import allocate, render
from imblearn_images.core.synthesis import plan_children
from imblearn_images.core.writing import write_children

__all__ = ["check_output_dir", "check_room", "draw", "images_of", "with_synthesis"]


def images_of(X: Any, sampler: Any, rows: NDArray[np.intp] | None = None) -> Any:
    """Where the pixels live that `sampler` mixes; for paths it needs an `output_dir`.

    Of paths those in `rows` are looked at, by default all.
    """
    if not holds_paths(X):
        return X if sparse.issparse(X) else as_images(X)
    if sampler.output_dir is None:
        name = type(sampler).__name__
        raise ValueError(
            f"X holds file paths, and {name} makes images that are in no file yet. Say where to "
            f"write them with `output_dir=`, or put `ReadImages` before {name} to resample "
            "arrays in memory."
        )
    _check_output(sampler.output_dir, X)
    return FileImages(X, rows, n_jobs=getattr(sampler, "n_jobs", None))


def check_output_dir(sampler: Any) -> None:
    """Refuse "" as `output_dir`, which is no folder and would be taken for the current one."""
    if isinstance(folder := getattr(sampler, "output_dir", None), str) and not folder:
        raise ValueError(
            "`output_dir` must be None or the name of a folder, got ''. The current folder is '.'."
        )


def _check_output(folder: str | os.PathLike[str], paths: NDArray[Any]) -> None:
    """Refuse to put synthetic images among their parents, or where no folder can be."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise NotADirectoryError(f"`output_dir` must be a folder, {os.fspath(folder)} is a file.")
    names = [os.fspath(path) for path in paths]
    sources = {os.path.dirname(name) for name in names}
    sources |= {os.path.dirname(os.path.realpath(name)) for name in names if os.path.islink(name)}
    if os.path.realpath(folder) in {os.path.realpath(source) for source in sources}:
        raise ValueError(
            f"`output_dir` must not be a folder of the images themselves, got {os.fspath(folder)}: "
            "synthetic images would be taken for real ones the next time they are listed. Give "
            "every step that draws images a folder of its own."
        )


def check_room(sampler: Any, features: NDArray[Any]) -> None:
    """Refuse to let imbalanced-learn mix features if what it makes does not fit into memory."""
    n_new = sum(sampler.sampling_strategy_.values())
    check_fits(
        features.itemsize * features.shape[1] * (len(features) + 4 * n_new),
        f"{type(sampler).__name__} on features of shape {features.shape}",
        "Pass an `embedding` of fewer features, or ask for fewer rows.",
    )


def with_synthesis(
    sampler: Any,
    plan: ResamplingPlan,
    images: Any,
    y: NDArray[Any],
    features: NDArray[Any] | None = None,
    *,
    nearness: str = "",
    rows: NDArray[np.intp] | None = None,
) -> ResamplingPlan:
    """Let the parameters `synthesis`, `interpolate` and `accept` have their say on a plan.

    Without a synthesis copies stay copies: only what is mixed is judged.

    `features`, shape (n, d), are those that were given or that the sampler's `embedding` has
    made, if any; `nearness` what "near" means in them, or by default in the looks of the images:
    the plan tells it where the synthesis has asked and the sampler has measured no distance.
    `rows` is what the user calls the images, where they are not all.
    """
    rule, accept = sampler.synthesis, sampler.accept
    if getattr(sampler, "interpolate", "pixels") == "embedding":
        rule = DecodedBlend(sampler.embedding_)
        rule.check(images, plan)
    if rule is None and accept is None:
        return plan
    if plan.synthesis != "blend":
        raise ValueError(
            f"The children are made in a way of their own ({plan.rule}), and `synthesis` and "
            f"`accept` have no say; leave them out of {sampler!r}."
        )
    if accept is not None:
        check_judge(accept)
    if sparse.issparse(images):
        raise ValueError("`synthesis` draws images, X is a sparse matrix; pass an array.")
    jobs = getattr(sampler, "n_jobs", None)
    # Given features tell who is near; children have none, so they are judged by their looks.
    embedding = None if features is None else sampler.embedding_
    likeness = Likeness(
        images,
        embedding,
        None if embedding is None else features,
        n_jobs=jobs,
        channel_axis=_channel_axis(rule, images),
    )
    entropy = check_random_state(sampler.random_state).randint(1 << 32, size=4, dtype=np.uint32)
    kin = Kin(
        y,
        lambda: likeness.source if features is None else features,
        np.random.default_rng(entropy.tolist()),
    )
    if rule is None:
        rule, plan = "blend", replace(plan, drawn=plan.synthetic)
    drawn = plan_children(plan, rule, kin)
    _check_finite_parents(drawn, images, np.arange(len(y)) if rows is None else rows)
    if accept is not None:
        drawn = draw_until_accepted(drawn, plan, images, accept, kin, likeness, n_jobs=jobs)
    if kin.asked and not drawn.nearness:
        drawn = drawn.near_by(likeness.nearness if features is None else nearness)
    return drawn


def _channel_axis(rule: Any, images: Any) -> int | None:
    """Where a synthesis, or the first of its members to say so, has the channels of an image."""
    axes = [getattr(rule, "channel_axis", None)]
    members = getattr(rule, "syntheses", None)
    axes += [_channel_axis(member, images) for member in members or ()]
    axis = next((axis for axis in axes if axis is not None), None)
    if isinstance(images, FileImages) and axis not in (None, -1, 2):
        raise ValueError(
            f"`channel_axis` must be None or -1 for files, which are read as (H, W, C), got "
            f"{axis!r}."
        )
    return axis


def _check_finite_parents(plan: ResamplingPlan, images: Any, names: NDArray[np.intp]) -> None:
    if isinstance(images, ArrayImages):
        drawn = plan.synthetic
        rows = np.unique(np.append(plan.base[drawn], plan.partners[drawn]))
        if len(rows):
            pixels, positions = images.pixel_rows(rows)
            remedy = "RandomOverSampler() without `synthesis` copies them as they are"
            check_finite(pixels, positions, names[rows], remedy)


def draw(sampler: Any, X: Any, images: Any, values: NDArray[Any] | None = None) -> Any:
    """Carry out the plan of a sampler: arrays are rendered, of paths the children written.

    `values`, shape (n_out, d), are the exact pixels of the rows where they are known; by
    default the plan's parents are mixed.
    """
    plan, jobs = sampler.plan_, getattr(sampler, "n_jobs", None)
    if not isinstance(images, FileImages) or sampler.output_dir is None:
        if values is None:
            return render(plan, images, n_jobs=jobs)
        out = allocate((len(plan), *images.shape_of(0)), images.dtype)
        drawn = plan.synthetic
        for row, pixels in enumerate(values):
            if drawn[row]:
                store(np.array(pixels).reshape(out.shape[1:]), out[row])
            else:  # values are rounded where float64 cannot hold the pixels
                images.read(plan.base[row : row + 1], out[row : row + 1])
        return out
    drawn = None if values is None else values.__getitem__
    children = write_children(plan, images, sampler.output_dir, drawn=drawn, n_jobs=jobs)
    joined = join_paths(X, children)
    rows = plan.base.copy()
    rows[plan.synthetic] = np.arange(len(X), len(joined))
    return joined[rows]
