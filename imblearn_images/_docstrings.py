"""Docstrings: a parameter that several classes share is explained once, in the same words."""

from __future__ import annotations

import re
from textwrap import dedent, indent
from types import FunctionType
from typing import TypeVar

__all__ = ["GROUPS", "SHARED", "substitute"]

Documented = TypeVar("Documented")

GUIDE = "Read more in the :ref:`User Guide <{label}>`."
"""Where ``{guide=label}`` stands; `LABELS` of ``notebooks/conf.py`` says where each label leads."""

PLACEHOLDER = re.compile(
    r"^(?P<margin> *)\{(?P<name>\w+)(?:=(?P<default>[^}\n]+))?\}$", re.MULTILINE
)


def substitute(obj: Documented) -> Documented:
    """Decorate a class or function: each line ``{name}`` of its docstring becomes a shared text.

    The text is that of `name` in :data:`SHARED`, indented as the line is; the name of a group in
    :data:`GROUPS` stands for several. ``{name=3}`` gives the parameter another default,
    ``{guide=quickstart}`` links that part of the user guide. In a class, the docstrings of its
    methods are substituted, too.

    Parameters
    ----------
    obj : class or function
        If it has no docstring, as under ``python -OO``, it is left alone.

    Returns
    -------
    obj : class or function
        The same object.

    Raises
    ------
    KeyError
        If there is no text for a name.

    Examples
    --------
    >>> from inspect import getdoc
    >>> @substitute
    ... class Sampler:
    ...     '''Repeat images.
    ...
    ...     {random_state=0}
    ...     '''
    >>> print(getdoc(Sampler))
    Repeat images.
    <BLANKLINE>
    random_state : int, RandomState instance or None, default=0
        Seed of all random choices: with an int, every call gives the same result. ``None`` uses
        NumPy's global random numbers.
    """
    own = [obj]
    if isinstance(obj, type):
        members = (getattr(member, "__func__", member) for member in vars(obj).values())
        own += [member for member in members if isinstance(member, FunctionType)]  # type: ignore[misc]
    for documented in own:
        if documented.__doc__ and "{" in documented.__doc__:
            documented.__doc__ = PLACEHOLDER.sub(_text, documented.__doc__)
    return obj


def _text(placeholder: re.Match[str]) -> str:
    """Return the indented text that a placeholder stands for."""
    name, default = placeholder["name"], placeholder["default"]
    if name == "guide" and default:
        return placeholder["margin"] + GUIDE.format(label=default)
    if name in GROUPS:
        return "\n".join(indent(SHARED[each], placeholder["margin"]) for each in GROUPS[name])
    if name not in SHARED:
        raise KeyError(f"There is no shared text {name!r}; write it out, or add it to SHARED.")
    header, _, body = SHARED[name].partition("\n")
    if default is not None:
        header = f"{header.partition(', default=')[0]}, default={default}"
    return indent(f"{header}\n{body}", placeholder["margin"])


def _texts(written: str) -> dict[str, str]:
    """Return a dict of name to text, from texts that each begin with a line ``[name]``."""
    parts = re.split(r"^\[(\w+)\]\n", dedent(written), flags=re.MULTILINE)[1:]
    return {name: text.strip("\n") for name, text in zip(parts[::2], parts[1::2], strict=True)}


SHARED: dict[str, str] = _texts(
    """
    [sampling_strategy_over]
    sampling_strategy : float, str, dict or callable, default='auto'
        Which classes get new images, and how many:

        - a float is the size of the minority class divided by that of the majority class
          afterwards; for two classes only;
        - ``'minority'``, ``'not minority'``, ``'not majority'``, ``'all'`` and ``'auto'`` (the
          same as ``'not majority'``) name the classes that become as large as the largest one;
        - a dict maps labels to numbers of images afterwards;
        - a function takes `y` and returns such a dict; see :mod:`imblearn_images.strategies`.

    [sampling_strategy_labels]
    sampling_strategy : float, str, dict or callable, default='auto'
        How many images each label is to have at least; where `y` holds numbers of objects, how
        many objects:

        - ``'auto'``, ``'all'`` and ``'not majority'``: as many as the most frequent label;
          ``'not minority'`` leaves the rarest one out, ``'minority'`` names it alone;
        - a float is that share of the most frequent label;
        - a dict maps labels to numbers;
        - a function takes the labels of all images, one after the other, and returns such a
          dict; see :mod:`imblearn_images.strategies`.

    [sampling_strategy_label_limits]
    sampling_strategy : float, str, dict or callable, default='auto'
        How many images each label is to come down to; where `y` holds numbers of objects, how
        many objects:

        - ``'auto'``, ``'all'`` and ``'not minority'``: as many as the rarest label;
          ``'majority'`` names the most frequent one alone, ``'not majority'`` leaves it out;
        - a float is the number of the rarest label divided by that of each other one afterwards;
        - a dict maps labels to numbers;
        - a function takes the labels of all images, one after the other, and returns such a
          dict; see :mod:`imblearn_images.strategies`.

    [sampling_strategy_mlsmote]
    sampling_strategy : float, dict or callable, default='auto'
        Which labels get new images, and how many:

        - ``'auto'``: every label that is rarer than average gets one for each of its images;
          rarer by IRLbl and MeanIR, see
          :func:`~imblearn_images.model_selection.label_imbalance`;
        - a float is the share of the most frequent label that each label is to reach;
        - a dict maps labels to numbers of images afterwards;
        - a function takes the labels of all images, one after the other, and returns such a
          dict; see :mod:`imblearn_images.strategies`.

    [sampling_strategy_under]
    sampling_strategy : float, str, dict or callable, default='auto'
        Which classes lose images, and how many they keep:

        - a float is the size of the minority class divided by that of the majority class
          afterwards; for two classes only;
        - ``'majority'``, ``'not minority'``, ``'not majority'``, ``'all'`` and ``'auto'`` (the
          same as ``'not minority'``) name the classes that become as small as the smallest one;
        - a dict maps labels to numbers of images afterwards;
        - a function takes `y` and returns such a dict; see :mod:`imblearn_images.strategies`.

    [sampling_strategy_both]
    sampling_strategy : "balanced", dict or callable, default="balanced"
        How many images each class has afterwards, more or fewer than before:

        - ``"balanced"``: the same number for every class, to within one, and as many images in
          all as before;
        - a dict maps labels to numbers; classes that it does not name keep theirs;
        - a function takes `y` and returns such a dict, e.g.
          :class:`~imblearn_images.strategies.root`;
        - a function of `y` and `epoch` is a schedule, e.g.
          :class:`~imblearn_images.strategies.progressive`.

    [sampling_strategy_clean]
    sampling_strategy : str or list, default='auto'
        Which classes may lose images:

        - ``'majority'``, ``'not minority'``, ``'not majority'``, ``'all'`` and ``'auto'`` (the
          same as ``'not minority'``) name them;
        - a list holds their labels.

    [sampling_strategy_redraw]
    sampling_strategy : float, str, dict or callable, default=None
        ``None``: every class has the same number of sets, so that class shares stay as they are.
        Otherwise as for over-samplers. A str, a float or a function of `y` is applied to the
        result of ``None``, and fills up classes in it; a dict maps labels to numbers of images
        afterwards, originals included, and leaves other classes alone.

    [images]
    X : images
        Array, memmap or tensor of shape (n, H, W), (n, H, W, C), (n, C, H, W) or, as flattened
        pixels, (n, d); file paths in a list, array, or column of pandas, polars or Arrow; a list,
        object array or column of equally shaped images (arrays, tensors, images of Pillow); or any
        other home of pixels (:mod:`imblearn_images.images`).

    [random_state]
    random_state : int, RandomState instance or None, default=None
        Seed of all random choices: with an int, every call gives the same result. ``None`` uses
        NumPy's global random numbers.

    [n_jobs]
    n_jobs : int or None, default=None
        Number of jobs that run at a time; ``-1`` means one per core, ``None`` one, unless
        :func:`joblib.parallel_config` says otherwise. The result is the same for every number.

    [k_neighbors]
    k_neighbors : int or neighbours object, default=5
        Number of nearest neighbours of the same class, one of which becomes the partner of an
        image. An object such as :class:`sklearn.neighbors.NearestNeighbors` has to be set to one
        more, because it finds the image itself as well.

    [m_neighbors]
    m_neighbors : int or neighbours object, default=10
        Number of nearest neighbours of any class that decide whether an image is in danger: it
        is if at least half of them, but not all, are of other classes. An object has to be set
        to one more.

    [n_neighbors]
    n_neighbors : int or neighbours object, default=3
        Number of nearest neighbours whose classes are compared with that of an image. An object
        such as :class:`sklearn.neighbors.NearestNeighbors` has to be set to one more, because it
        finds the image itself as well.

    [n_neighbors_classifier]
    n_neighbors : int, KNeighborsClassifier or None, default=None
        Number of neighbours by which images are classified, or the classifier itself; ``None``:
        one neighbour.

    [n_seeds_S]
    n_seeds_S : int, default=1
        Number of images of each class that the classifier begins with.

    [kind_sel]
    kind_sel : {'all', 'mode'}, default='all'
        An image is kept if all of its neighbours are of its class (``'all'``), or if most of
        them are (``'mode'``).

    [embedding]
    embedding : transformer, callable, "thumbnail" or None, default=None
        Features in which distances between images are measured. They are computed by a
        transformer, which is cloned and fitted on the images, with their labels if it needs them,
        or by a function that takes a block of images and returns an array of shape (n, d).
        ``"thumbnail"``: the pixels of small copies. ``None``: the pixels, unless the notes below
        name other features.

    [interpolate]
    interpolate : {"pixels", "embedding"}, default="pixels"
        What is blended: the pixels of two images, or their features, which are then decoded by
        the ``inverse_transform`` of `embedding`, such as that of ``PCA(50)`` or of a Pipeline
        that ends in an autoencoder. A synthetic image then shows what the decoder can draw.

    [synthesis]
    synthesis : synthesis, function, "copy", "blend" or None, default=None
        How synthetic images are drawn: by an object such as ``Augment()`` or ``Morph()``, or by a
        function ``(base, partner, step, rng) -> image`` of floats; see
        :mod:`imblearn_images.synthesis`. ``None``: as imbalanced-learn makes them.

    [accept]
    accept : accept rule, function or None, default=None
        Which synthetic images are good enough: an object such as
        :class:`~imblearn_images.synthesis.NeighborsAgree`, or a function ``(images, labels) ->
        mask``. The others are drawn again, a few times: nearer to their base, or from other
        parents where the synthesis chooses them. ``plan_.tries`` is the number of tries of each
        row. ``None``: all are accepted.

    [output_dir]
    output_dir : str, pathlib.Path or None, default=None
        Folder into which synthetic images are written where `X` holds file paths; there it is
        required to make any. They are PNG files, or TIFF files of float images, and their names
        contain their parents. The same call writes the same files.

    [smote]
    smote : SMOTE or None, default=None
        The first step, imbalanced-learn's or this library's, which is run on the features; how
        images are drawn is set in this class. ``None``: SMOTE with the `sampling_strategy` and
        `random_state` of this class.

    [n_estimators]
    n_estimators : int, default=10
        Number of members.

    [warm_start]
    warm_start : bool, default=False
        Whether the members of the last fit are kept and new ones added to them.

    [replacement]
    replacement : bool, default=False
        Whether an image may be drawn more than once.

    [verbose]
    verbose : int, default=0
        How much joblib reports on its progress.

    [plan_]
    plan_ : ResamplingPlan
        The decision: label, parents, their shares and the seed of every row of the result.

    [class_folders]
    classes : list of str, default=None
        Names of the class folders to take; by default all.

    [progress]
    verbose : int, default=0
        If above 0, show a progress bar (needs the package tqdm).

    [shuffle]
    shuffle : bool, default=True
        Whether rows are shuffled; otherwise they keep the order of the data set.

    [seed]
    seed : int, default=0
        Seed of the order of rows, at least 0: the same on every rank.

    [spread]
    spread : int, default=None
        Batch size of the loader, if every batch is to hold its share of each class, to within
        less than 2 rows. ``None``: the classes are left as they were shuffled.

    [num_replicas]
    num_replicas : int, default=1
        Number of processes that train, in a loop that is written by hand; it is not detected.
        Lightning and Accelerate divide the rows by themselves, so leave it at 1 there.

    [rank]
    rank : int, default=0
        Number of this process, from 0. Each of W processes gets every W-th row; with `spread`,
        every W-th batch.

    [drop_last]
    drop_last : bool, default=False
        Whether the last rows are left out where their number cannot be divided by
        `num_replicas`; otherwise the first ones are used twice.

    [epoch]
    epoch : int
        Number of the epoch that the next ``iter()`` returns. Each ``iter()`` whose rows are read
        is another epoch, so there is no need to call `set_epoch`; a call sets the next one.

    [sample_indices_]
    sample_indices_ : ndarray of shape (n_resampled,)
        Source row of every row of the result.

    [sampling_strategy_]
    sampling_strategy_ : dict
        Class label to number of images: those to add when over-sampling, those to keep when
        under-sampling. For samplers that clean, only the labels matter.

    [embedding_]
    embedding_ : transformer or None
        The fitted `embedding`, if there is one.

    [n_features_in_]
    n_features_in_ : int
        Pixels per image times channels; 1 for paths.

    [image_shape_]
    image_shape_ : tuple of int
        Shape of one image, empty for paths; only after fitting on images.

    [channel_axis]
    channel_axis : int, default=None
        Axis of one image that holds the channels, as in scikit-image: 0 for (C, H, W), -1 for
        (H, W, C). ``None``: the last one; an ambiguous shape, such as (12, 32, 32), is refused.
        Files are always (H, W, C).

    [engine]
    engine : {"numpy", "opencv"}, default="numpy"
        Library that interpolates. OpenCV (``pip install "imblearn-images[opencv]"``) is about
        twice as fast; its bicubic interpolation sharpens a little more, so that its images
        differ from NumPy's by some grey levels along edges.

    [background]
    background : {"any", "larger", "same"}, default="any"
        Class of the background: any class, one with more images than the class of the base
        (any, if there is none), or the same class.

    [ax]
    ax : matplotlib Axes or None, default=None
        Where to draw; ``None``: into a new figure.

    [ax_]
    ax_ : matplotlib Axes
        The axes of the drawing.

    [figure_]
    figure_ : matplotlib Figure
        The figure of these axes.
    """
)
"""Name in a placeholder -> lines of a docstring."""

GROUPS: dict[str, tuple[str, ...]] = {
    "drawing_parameters": ("embedding", "interpolate", "synthesis", "accept", "output_dir"),
    "drawing_attributes": ("plan_", "sampling_strategy_", "embedding_", "n_features_in_"),
    "selecting_attributes": (
        *("plan_", "sample_indices_", "sampling_strategy_", "embedding_", "n_features_in_"),
    ),
}
"""Name in a placeholder -> names of the texts that many classes list in this order."""
