"""The demo: balance an image set, show synthetic images, compare with doing nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.pipeline import make_pipeline
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from imblearn_images._cli import arguments
from imblearn_images._cli.console import say, say_report
from imblearn_images.core.disk import open_regular
from imblearn_images.core.files import write_image
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render
from imblearn_images.core.text import align, counted, screen_width, shown
from imblearn_images.datasets import load_texture_patches
from imblearn_images.display._family import spread_synthetic
from imblearn_images.folders._output import where_they_meet
from imblearn_images.folders._source import read_source
from imblearn_images.folders._splitting import refuse_drawn
from imblearn_images.over_sampling import SMOTE, RandomOverSampler
from imblearn_images.preprocessing import FlattenImages, ReadImages
from imblearn_images.under_sampling import RandomUnderSampler

__all__ = ["add_demo_command", "run_demo"]

NEIGHBORS = 5  # imbalanced-learn's default
COMPONENTS = 50
BASELINE = "no resampling"
SHEET_CLASSES, SHEET_COLUMNS, SHEET_CELL = 4, 7, 96
SCORES = ("", "balanced accuracy", "macro F1", "seconds to fit")
INK, GREY, ACCENT = "#1a1a1a", "#6b6b6b", "#d9480f"


def add_demo_command(commands: Any) -> None:
    """Add the command to the sub-parsers of ``argparse``."""
    about = (
        "Balance an image set with SMOTE, draw some synthetic images between their two parents, "
        "and cross-validate one classifier with and without resampling."
    )
    demo = commands.add_parser(
        "demo",
        help="resample real images, look at the result, compare with doing nothing",
        description=about,
    )
    demo.set_defaults(command=run_demo)
    demo.add_argument(
        "--folder",
        metavar="PATH",
        help="folder with one folder per class; without it, bundled images",
    )
    demo.add_argument(
        "--size",
        type=arguments.integer(1),
        default=32,
        metavar="PIXELS",
        help="height and width of images (default: 32)",
    )
    demo.add_argument(
        "--output",
        default="imblearn_images_demo.png",
        metavar="FILE",
        help="the PNG to write (default: imblearn_images_demo.png)",
    )
    arguments.add_on_error(demo)
    demo.add_argument(
        "--seed", type=arguments.SEED, default=0, metavar="N", help="seed of all draws (default: 0)"
    )
    demo.add_argument(
        "--folds",
        type=arguments.integer(2),
        default=5,
        metavar="N",
        help="folds of the cross-validation (default: 5)",
    )
    demo.add_argument(
        "--n-jobs",
        type=arguments.n_jobs,
        metavar="N",
        default=1,
        help="processes; -1 is one per core (default: 1)",
    )
    arguments.add_max_pixels(demo)


def run_demo(
    folder: str | os.PathLike[str] | None = None,
    *,
    size: int = 32,
    output: str | os.PathLike[str] = "imblearn_images_demo.png",
    seed: int = 0,
    folds: int = 5,
    on_error: str = "raise",
    n_jobs: int | None = None,
) -> None:
    """Balance an image set, show what SMOTE draws, and cross-validate one classifier.

    Prints the class table and the scores, and writes one PNG. Every row of scores is for the
    same classifier on the same stratified folds; only the training part is resampled.

    Parameters
    ----------
    folder : path, default=None
        Folder with class folders; by default, patches of colour photos that come with
        scikit-image.
    size : int, default=32
        Height and width of the images in pixels.
    output : path, default="imblearn_images_demo.png"
        The PNG to write, outside `folder`.
    seed : int, default=0
        Seed of folds and samplers.
    folds : int, default=5
        Number of folds; fewer, which is reported, if a class is smaller.
    on_error : {"raise", "skip"}, default="raise"
        What to do with files of `folder` that cannot be used.
    n_jobs : int, default=None
        Processes for the folds, threads for reading.

    Raises
    ------
    ValueError
        If there are no class folders or unreadable images, a single class, a class of fewer than
        3 images, classes that are balanced already, or if `output` is not a PNG or lies in
        `folder`.
    FileNotFoundError, NotADirectoryError
        If `folder`, or the folder of `output`, does not exist.

    Examples
    --------
    >>> run_demo("no such folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'no such folder'
    """
    started = time.perf_counter()
    output = _writable(Path(output), folder)
    images, labels = _load(folder, size, on_error, n_jobs)
    splits, k_neighbors = _split(labels, folds, seed)
    smote = SMOTE(k_neighbors=k_neighbors, random_state=seed, n_jobs=n_jobs)
    smote.fit_resample(images, labels)
    _say_classes(smote.plan_)
    write_image(output, np.asarray(_contact_sheet(smote.plan_, images)))
    say(f"\nSynthetic images between their two parents: {output}")
    # BLAS gets one thread: on a busy machine two of them can be ten times slower.
    with threadpool_limits(1):
        _compare(images, labels, splits, k_neighbors, seed, n_jobs)
    say(f"\nDone in {time.perf_counter() - started:.0f} seconds.")


def _contact_sheet(plan: ResamplingPlan, images: NDArray[np.uint8]) -> Image.Image:
    """Return a picture of synthetic images, by rising step, between base and partner."""
    synthetic = plan.synthetic
    names, counts = np.unique(plan.y[synthetic], return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")[:SHEET_CLASSES]]
    scale = ceil(SHEET_CELL / max(images.shape[1:3]))
    height, width = scale * images.shape[1], scale * images.shape[2]
    text, heading = ImageFont.load_default(size=13), ImageFont.load_default(size=17)
    margin, gap, left, line = 16, 8, 88, 24
    block = 2 * line + 3 * (height + gap) + margin
    sheet = Image.new(
        "RGB",
        (left + SHEET_COLUMNS * (width + gap) + margin, margin + line + len(shown) * block),
        "white",
    )
    draw = ImageDraw.Draw(sheet)
    draw.text((margin, margin), "SMOTE: synthetic = base + step x (partner - base)", GREY, text)
    for top, name in zip(range(margin + line, sheet.height, block), shown, strict=True):
        part = plan[spread_synthetic(plan, name, SHEET_COLUMNS)]
        n_own = np.count_nonzero(~synthetic & (plan.y == name))
        n_new = np.count_nonzero(synthetic & (plan.y == name))
        title = f"{_shown(name, 40)}: {counted(n_own, 'image')} + {n_new} synthetic"
        draw.text((margin, top), title, INK, heading)
        strips = (images[part.base], render(part, images), images[part.partners[:, 0]])
        for column, step in enumerate(part.weights[:, 0]):
            x = left + column * (width + gap)
            draw.text((x + width // 2, top + line + 4), f"step {step:.2f}", ACCENT, text, "ma")
            for row, strip in enumerate(strips):
                y = top + 2 * line + row * (height + gap)
                tile = Image.fromarray(strip[column]).convert("RGB")
                sheet.paste(tile.resize((width, height), Image.Resampling.NEAREST), (x, y))
                if row == 1:
                    draw.rectangle((x - 2, y - 2, x + width + 1, y + height + 1), None, ACCENT, 2)
        for row, caption in enumerate(("base", "synthetic", "partner")):
            y = top + 2 * line + row * (height + gap) + height // 2
            draw.text((left - 10, y), caption, ACCENT if row == 1 else GREY, text, "rm")
    return sheet


_PNG = b"\x89PNG\r\n\x1a\n"


def _writable(output: Path, folder: Any) -> Path:
    """Return the path of the PNG, or raise if it cannot be written there."""
    if output.suffix.lower() != ".png":
        raise ValueError(f"`output` must name a PNG, got {output}. Use a name that ends in .png.")
    if not output.parent.is_dir():
        raise FileNotFoundError(
            f"{output}: the folder {output.parent} does not exist. Create it first."
        )
    if folder is not None and (relation := where_they_meet(folder, output)):
        raise ValueError(
            f"{output} {relation}, which is only read. Name another place with `output`."
        )
    if output.is_symlink():
        raise ValueError(
            f"{output} is a link, and links are not followed for writing. Name a file."
        )
    if output.exists():
        with open_regular(output) as there:
            # An earlier picture of the demo may be replaced; a file of another kind was meant
            # otherwise.
            if there.read(len(_PNG)) != _PNG:
                raise FileExistsError(
                    f"{output} exists already and is not a PNG. Name another file with `output`."
                )
    return output


def _load(
    folder: Any, size: int, on_error: str, n_jobs: int | None
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Return images and labels of a folder, or the bundled ones."""
    if folder is None:
        data = load_texture_patches(images="colour", size=size)
        say(f"Bundled images: {len(data.images)} patches of {size} x {size} pixels, cut from the")
        say(f"photos {', '.join(data.target_names)}; each photo is a class.")
        return data.images, data.target
    kept = read_source(folder, on_error=on_error, n_jobs=n_jobs)
    for note in kept.notes:
        say_report(f"note: {note}")
    for _, bad in kept.broken:
        say_report(f"skipped: {shown(kept.relative(bad.path), 200)}: {bad.error}")
    paths, labels = np.array(kept.paths, dtype=np.str_), np.array(kept.labels, dtype=np.str_)
    refuse_drawn(kept)
    images = ReadImages(size=(size, size), mode="RGB", n_jobs=n_jobs).fit_transform(paths)
    say(
        f"{_shown(folder, None)}: {counted(len(images), 'image')}, read as "
        f"{size} x {size} pixels RGB."
    )
    return images, labels


def _split(labels: NDArray[Any], folds: int, seed: int) -> tuple[list[Any], int]:
    """Return folds that leave every class a neighbour, and k_neighbors; report lowered numbers."""
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < 2:
        raise ValueError(
            f"There must be two or more class folders, got {counted(len(labels), 'image')} of one "
            f"class, {str(names[0])!r}."
        )
    if counts.min() < 3:
        small = [f"{name!r} ({n})" for name, n in zip(names.tolist(), counts, strict=True) if n < 3]
        raise ValueError(
            f"Classes must have at least 3 images, to leave neighbours in every training fold, got "
            f"{', '.join(small)}. Add images to these classes or leave them out. With the bundled "
            "photos, cut smaller patches."
        )
    if counts.min() == counts.max():
        raise ValueError(
            f"Each class has {counted(counts[0], 'image')} already. Name an imbalanced set."
        )
    smallest = int(counts.min())
    # With 3 images, two folds would leave a training part with one image and no neighbour.
    n_splits = 3 if smallest == 3 else min(folds, smallest)
    cv = StratifiedKFold(n_splits, shuffle=True, random_state=seed)
    splits = list(cv.split(labels, labels))
    k_neighbors = min(NEIGHBORS, _smallest_class(labels, splits) - 1)
    if (n_splits, k_neighbors) != (folds, NEIGHBORS):
        name = _shown(names[counts.argmin()], 24)
        say(f"Note: the smallest class, {name}, has {smallest} images; hence {n_splits} folds")
        say(f"      ({folds} requested) and k_neighbors={k_neighbors} ({NEIGHBORS} is usual).")
    return splits, k_neighbors


def _smallest_class(labels: NDArray[Any], splits: list[Any]) -> int:
    """Return the size of the smallest class in any training part."""
    return min(int(np.unique(labels[train], return_counts=True)[1].min()) for train, _ in splits)


def _say_classes(plan: ResamplingPlan) -> None:
    """Print the number of images of each class before and after SMOTE."""
    columns = ("class", "before", "after SMOTE", "originals", "synthetic")
    rows = []
    total = np.zeros(2, dtype=int)
    for name in np.unique(plan.y):
        synthetic = plan.synthetic[plan.y == name]
        n = np.array([np.count_nonzero(~synthetic), np.count_nonzero(synthetic)])
        total += n
        rows.append(_counts(_shown(name, 26), n))
    rows.append(_counts("all", total))
    say("\n" + align(columns, rows, width=screen_width()))


def _counts(name: str, n: NDArray[Any]) -> list[Any]:
    """Return a row of that table, from numbers of originals and of synthetic images."""
    own, new = n.tolist()
    return [name, own, own + new, own, new]


def _compare(
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    splits: list[Any],
    k: int,
    seed: int,
    n_jobs: int | None,
) -> None:
    """Cross-validate the classifier with each way of resampling, and print the scores."""
    say(f"\nA support vector machine on at most {COMPONENTS} principal components of the pixels,")
    say(f"{len(splits)} stratified folds, mean +- standard deviation over the folds:\n")
    balanced, rows = {}, []
    for name, pipeline in _pipelines(images, labels, splits, k, seed):
        scores = cross_validate(
            pipeline,
            images,
            labels,
            cv=splits,
            scoring=["balanced_accuracy", "f1_macro"],
            n_jobs=n_jobs,
            error_score="raise",
        )
        balanced[name] = scores["test_balanced_accuracy"]
        columns = (balanced[name], scores["test_f1_macro"], scores["fit_time"])
        cells = [f"{values.mean():.3f} +- {values.std(ddof=1):.3f}" for values in columns]
        rows.append([name, *cells])
    say(align(SCORES, rows, width=screen_width()))
    share = _wrong_share(images, labels, k, seed)
    say(f"\n* On uint8 pixels, as images are: {share:.0%} of its synthetic pixels are off by more")
    say(f"than one grey level from its result on floats{': wrong, silently' * (share > 0.01)}.")
    say("\n" + _verdict(balanced))


def _pipelines(
    images: NDArray[np.uint8], labels: NDArray[Any], splits: list[Any], k: int, seed: int
) -> Iterator[tuple[str, Any]]:
    n_train = min(len(train) for train, _ in splits)
    n_under = len(np.unique(labels)) * _smallest_class(labels, splits)
    n_pixels = images[0].size  # PCA cannot have more components than pixels, or than rows

    def pipeline(*steps: Any, n_fit: int = n_train, class_weight: str | None = None) -> Any:
        components = PCA(min(COMPONENTS, n_fit, n_pixels), random_state=seed)
        return make_pipeline(*steps, StandardScaler(), components, SVC(class_weight=class_weight))

    flatten = FlattenImages()
    smote: dict[str, Any] = {"k_neighbors": k, "random_state": seed}
    over, under = RandomOverSampler(random_state=seed), RandomUnderSampler(random_state=seed)
    yield BASELINE, pipeline(flatten)
    yield "class weights", pipeline(flatten, class_weight="balanced")
    yield "SMOTE (imbalanced-learn)*", pipeline(flatten, ImblearnSMOTE(**smote))
    yield "SMOTE (ours)", pipeline(SMOTE(**smote), flatten)
    yield "RandomOverSampler (ours)", pipeline(over, flatten)
    yield "RandomUnderSampler (ours)", pipeline(under, flatten, n_fit=n_under)


def _wrong_share(images: NDArray[np.uint8], labels: NDArray[Any], k: int, seed: int) -> float:
    """Return the share of pixels that imbalanced-learn's SMOTE gets wrong in uint8."""
    pixels = images.reshape(len(images), -1)
    smote = ImblearnSMOTE(k_neighbors=k, random_state=seed)
    drawn, exact = (
        smote.fit_resample(pixels.astype(dtype), labels)[0][len(pixels) :]
        for dtype in (np.uint8, np.float32)
    )
    return float(np.mean(np.abs(drawn - exact) > 1))


def _verdict(balanced: dict[str, NDArray[np.float64]]) -> str:
    """Return a sentence on the candidate with the highest balanced accuracy."""
    best = max(balanced, key=lambda name: balanced[name].mean())
    if best == BASELINE:
        return "Nothing here has a higher balanced accuracy than no resampling."
    gain = balanced[best] - balanced[BASELINE]
    spread = gain.std(ddof=1)
    return (
        f"Highest balanced accuracy: {best}, {gain.mean():.3f} above no resampling;\n"
        f"that is {'more' if gain.mean() > spread else 'not more'} than the spread of this "
        f"difference over the folds, {spread:.3f}."
    )


def _shown(name: Any, width: int | None) -> str:
    return shown(str(name), 10**6 if width is None else width)
