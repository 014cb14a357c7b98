"""Over- and under-sampling in one: the names of :mod:`imblearn.combine` on images, and more.

``RandomBalancer`` does both in one step; ``SamplerChain`` runs any samplers one after the other.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, Literal

import numpy as np
from imblearn.base import BaseSampler
from imblearn.combine import SMOTEENN as ImblearnSMOTEENN
from imblearn.combine import SMOTETomek as ImblearnSMOTETomek
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.under_sampling import EditedNearestNeighbours as ImblearnEditedNearestNeighbours
from imblearn.under_sampling import TomekLinks as ImblearnTomekLinks
from imblearn.utils import check_neighbors_object
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import (
    ADDED,
    DRAWING,
    ImageSamplerMixin,
    MeasuringSamplerMixin,
    SelectingSamplerMixin,
    check_plain,
    finds_exactly,
    searched_here,
    sizes_told,
)
from imblearn_images.core.dealing import Decks
from imblearn_images.core.embedding import Search
from imblearn_images.core.estimators import NamedMembersMixin
from imblearn_images.core.images import Images
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import (
    AcceptRule,
    BlendNeighbors,
    RowNeighbors,
    RowTomekLinks,
    check_class_sizes,
    without_images,
)
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.core.synthesis import Synthesis
from imblearn_images.core.targets import plain_list, unwrap_labels
from imblearn_images.core.writing import DrawLater
from imblearn_images.over_sampling import SMOTE
from imblearn_images.strategies import EpochNumbers
from imblearn_images.under_sampling import EditedNearestNeighbours, TomekLinks

__all__ = ["SMOTEENN", "RandomBalancer", "SMOTETomek", "SamplerChain"]


class _SmoteAndCleanMixin(MeasuringSamplerMixin):
    """Mixin for SMOTE followed by a sampler that selects: the plan of the one, cut by the other."""

    cleaner: str
    cleaners: tuple[type, ...]
    n_jobs: Any
    random_state: Any
    sampling_strategy: Any
    smote: Any
    smote_: Any

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        target = self._images_to_draw(X)
        pixels_meant = embeddings is None and self.embedding is None
        if pixels_meant and searched_here(X) and self._decides_on_numbers():
            return self._on_numbers(X, y, target)
        features, nearness = self._measure(X, y, embeddings)
        self._check_room(features)
        asked = copy.copy(self)
        asked.smote = self._tracing_smote()
        with sizes_told(y):
            resampled, _ = super(_SmoteAndCleanMixin, asked)._fit_resample(features, y)  # type: ignore[misc]
        vars(self).update(vars(asked) | {"smote": self.smote})
        kept = getattr(self, self.cleaner).sample_indices_
        plan = self.smote_.plan_[kept].near_by(nearness)
        return self._drawn(plan, X, y, target, (features, embeddings, resampled)), plan.y

    def _decides_on_numbers(self) -> bool:
        """Whether both steps only look at rows through neighbours that this library finds."""
        smote, cleaner = self.smote, getattr(self, self.cleaner.rstrip("_"))
        return (smote is None or finds_exactly(smote.k_neighbors)) and (
            cleaner is None
            or (
                type(cleaner) in self.cleaners
                and getattr(cleaner, "embedding", None) is None
                and finds_exactly(getattr(cleaner, "n_neighbors", 1))
            )
        )

    def _on_numbers(self, X: Any, y: NDArray[Any], images: Any) -> tuple[Any, NDArray[Any]]:
        """Decide on the numbers of rows: neither the pixels nor the blends are made floats."""
        self._own_features(X, y, None)
        rows = np.arange(len(y))
        images.look_at(rows, n_jobs=self.n_jobs)
        search = Search(images, {"": rows}, n_jobs=self.n_jobs)
        blends = BlendNeighbors(search)
        smote = self._tracing_smote()
        asked = copy.copy(self)
        asked.smote = _DecidingSMOTE(**smote.get_params(deep=False)).among(search, blends)
        vars(asked)[self.cleaner.rstrip("_")] = self._cleaner(blends)
        with sizes_told(y):
            super(_SmoteAndCleanMixin, asked)._fit_resample(  # type: ignore[misc]
                rows.astype(np.float64)[:, None], y
            )
        kept = getattr(asked, self.cleaner).sample_indices_
        decided = asked.smote_.plan_
        self.smote_ = SMOTE(**smote.get_params(deep=False))
        self.smote_.plan_, self.smote_.nn_k_ = decided, asked.smote_.nn_k_
        self.smote_.sampling_strategy_ = asked.smote_.sampling_strategy_
        self.sampling_strategy_ = asked.sampling_strategy_
        setattr(self, self.cleaner, without_images(getattr(asked, self.cleaner)))
        plan = decided[kept].near_by(search.nearness)
        self.plan_ = self._with_synthesis(plan, images, y)
        return self._draw(images), plan.y

    def _cleaner(self, blends: BlendNeighbors) -> Any:
        raise NotImplementedError

    def _tracing_smote(self) -> SMOTE:
        if isinstance(self.smote, SMOTE):
            advice = f"Pass it to {type(self).__name__} instead."
            check_plain(self.smote, ("embedding", *DRAWING, "output_dir"), advice)
            return self.smote
        if self.smote is None:
            return SMOTE(sampling_strategy=self.sampling_strategy, random_state=self.random_state)
        params = self.smote.get_params(deep=False)
        if params.keys() != ImblearnSMOTE().get_params(deep=False).keys():
            raise ValueError(
                f"`smote` must be a SMOTE for images here, got {self.smote!r}: it cannot be traced "
                "to images. Put it and the cleaning sampler into a Pipeline."
            )
        return SMOTE(**params)


class _DecidingSMOTE(SMOTE):
    """SMOTE on the numbers of images, whose result are the numbers of the rows of its plan."""

    def among(self, search: Search, blends: BlendNeighbors) -> _DecidingSMOTE:
        """Look neighbours up in `search`, and let `blends` know what was decided."""
        self.row_search, self.blends = search, blends
        return self

    def __sklearn_clone__(self) -> _DecidingSMOTE:
        return copy.copy(self)

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        check_class_sizes(y, self.sampling_strategy_, self.k_neighbors)
        self.plan_ = self.blends.plan = self._decided(y, self.row_search, self.row_search.images)
        return np.arange(len(self.plan_), dtype=np.float64)[:, None], self.plan_.y


@substitute
class SMOTEENN(_SmoteAndCleanMixin, ImblearnSMOTEENN):
    """SMOTE, then edited nearest neighbours drop originals and synthetic images that disagree.

    :class:`imblearn.combine.SMOTEENN` for images. The cleaning is severe: whatever has a
    single neighbour of another class goes, so the classes come out unequal, and on raw
    pixels a large class may nearly vanish. Two searches, the second among all rows.

    {guide=both-and-ensembles}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {smote}
    enn : EditedNearestNeighbours, default=None
        Cleans all classes by default.
    {n_jobs}
    {embedding}
    {interpolate}
    {synthesis}
    {accept}
    {output_dir}

    Attributes
    ----------
    {plan_}
    {sampling_strategy_}
    {embedding_}
    {n_features_in_}
    smote_, enn_ : samplers
        As fitted on the features.

    Notes
    -----
    The cleaning comes before the drawing: it compares the features of synthetic images as SMOTE
    has made them, whereas `accept` sees the images that survive. Without an `embedding`, synthetic
    images are compared as the floats that SMOTE makes, before they are rounded; distances follow
    from the inner products of their parents, so no float is made of a pixel.

    References
    ----------
    .. [1] G. Batista, R. C. Prati, M. C. Monard, "A study of the behavior of several methods
       for balancing machine learning training data", ACM SIGKDD Explorations 6(1), 2004.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> both = SMOTEENN(random_state=0, embedding=lambda block: block.std(axis=1))
    >>> X_res, y_res = both.fit_resample(images, labels)
    >>> both.plan_
    ResamplingPlan(361 images -> 744 rows: 343 original, 0 copies, 401 synthetic, near by <lambda>
      (32 features))
    """

    cleaner = "enn_"
    cleaners = (ImblearnEditedNearestNeighbours, EditedNearestNeighbours)

    _parameter_constraints: dict[str, Any] = {
        **ImblearnSMOTEENN._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        smote: Any = None,
        enn: Any = None,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            smote=smote,
            enn=enn,
            n_jobs=n_jobs,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir

    def _cleaner(self, blends: BlendNeighbors) -> Any:
        enn = self.enn or ImblearnEditedNearestNeighbours(sampling_strategy="all")
        plain = check_neighbors_object("n_neighbors", enn.n_neighbors, additional_neighbor=1)
        return ImblearnEditedNearestNeighbours(
            sampling_strategy=enn.sampling_strategy,
            n_neighbors=RowNeighbors(blends, plain),
            kind_sel=enn.kind_sel,
        )


@substitute
class SMOTETomek(_SmoteAndCleanMixin, ImblearnSMOTETomek):
    """SMOTE, then both ends of every Tomek link are dropped.

    :class:`imblearn.combine.SMOTETomek` for images. The mild one of the two: it removes few
    rows and keeps the classes nearly equal, at about the cost of SMOTE and one search among
    all rows.

    {guide=both-and-ensembles}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {smote}
    tomek : TomekLinks, default=None
        Cleans all classes by default.
    {n_jobs}
    {embedding}
    {interpolate}
    {synthesis}
    {accept}
    {output_dir}

    Attributes
    ----------
    {plan_}
    {sampling_strategy_}
    {embedding_}
    {n_features_in_}
    smote_, tomek_ : samplers
        The two steps, fitted.

    Notes
    -----
    Links are looked for among the features as SMOTE has made them; only images that survive are
    drawn, and seen by `accept`.

    References
    ----------
    .. [1] G. Batista, B. Bazzan, M. Monard, "Balancing training data for automated annotation
       of keywords: a case study", WOB, 10-18, 2003.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> linked = SMOTETomek(random_state=0, embedding=lambda block: block[:, ::9].mean(axis=2))
    >>> X_res, y_res = linked.fit_resample(images, labels)
    >>> linked.plan_
    ResamplingPlan(361 images -> 762 rows: 357 original, 0 copies, 405 synthetic, near by <lambda>
      (4 features))

    The same parents, but each image is drawn along the flow between them:

    >>> from imblearn_images.synthesis import Morph
    >>> X_morphed, y_morphed = linked.set_params(synthesis=Morph()).fit_resample(images, labels)
    >>> linked.plan_
    ResamplingPlan(361 images -> 762 rows: 357 original, 0 copies, 405 synthetic, near by <lambda>
      (4 features), drawn by Morph)
    """

    cleaner = "tomek_"
    cleaners = (ImblearnTomekLinks, TomekLinks)

    _parameter_constraints: dict[str, Any] = {
        **ImblearnSMOTETomek._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        smote: Any = None,
        tomek: Any = None,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            smote=smote,
            tomek=tomek,
            n_jobs=n_jobs,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir

    def _cleaner(self, blends: BlendNeighbors) -> Any:
        tomek = self.tomek or ImblearnTomekLinks(sampling_strategy="all")
        links = RowTomekLinks(sampling_strategy=tomek.sampling_strategy)
        links.row_search = blends
        return links


@substitute
class RandomBalancer(SelectingSamplerMixin, BaseSampler):
    """Repeat images of rare classes and leave out some of frequent ones, in one step.

    By default the classes become equal and the set stays as large as it is, so that an epoch of a
    training takes as long as before.

    Images are *dealt*. Each class is a deck of cards: shuffled, dealt card by card, shuffled again
    when it is used up; the next epoch goes on where the last one stopped. So no image is used
    twice before every image of its class was used once, and after any number of epochs two images
    of a class have been used equally often, or once more or less. Drawing at random instead leaves
    many images of the largest class unseen for a long time.

    {guide=both-and-ensembles}

    Parameters
    ----------
    {sampling_strategy_both}
    {random_state}
    epoch : int, default=0
        How often the cards have been dealt before, with the same `random_state`. With an int as
        `random_state`, epochs 0, 1, 2, ... together use the images of a class equally often.

    Attributes
    ----------
    {plan_}
    {sample_indices_}
    sampling_strategy_ : dict
        Class label to number of images afterwards.
    {n_features_in_}

    Raises
    ------
    ValueError
        For a class that is not in the data, or a number of images that cannot be.

    Notes
    -----
    The images come back in the order of `X`, copies one after the other: shuffle them for training.

    See Also
    --------
    imblearn_images.torch.BalancedSampler : The same rows for a DataLoader, shuffled.

    Examples
    --------
    >>> import numpy as np
    >>> images, labels = np.arange(40).reshape(10, 2, 2), ["cat"] * 8 + ["dog"] * 2
    >>> balancer = RandomBalancer(random_state=0)
    >>> X_res, y_res = balancer.fit_resample(images, labels)
    >>> y_res
    ['cat', 'cat', 'cat', 'cat', 'cat', 'dog', 'dog', 'dog', 'dog', 'dog']

    Eight epochs use every cat five times, every dog twenty times:

    >>> used = np.zeros(10, dtype=int)
    >>> for epoch in range(8):
    ...     X_res, y_res = balancer.set_params(epoch=epoch).fit_resample(images, labels)
    ...     used += np.bincount(balancer.sample_indices_, minlength=10)
    >>> used.tolist()
    [5, 5, 5, 5, 5, 5, 5, 5, 20, 20]
    """

    _sampling_type = "bypass"  # imbalanced-learn knows strategies that go up, or down
    _parameter_constraints: dict[str, Any] = {
        "sampling_strategy": "no_validation",  # strategies say themselves what they can be
        "random_state": ["random_state"],
        "epoch": [Integral],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Literal["balanced"]
        | Mapping[Any, int]
        | Callable[..., Any] = "balanced",
        random_state: int | np.random.RandomState | None = None,
        epoch: int = 0,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state
        self.epoch = epoch

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        super().fit(X, y, **params)
        self._requested(np.asarray(unwrap_labels(y)[0]).reshape(-1))
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.sampler_tags.sample_indices = True
        return tags

    def _requested(self, y: NDArray[Any]) -> tuple[NDArray[np.intp], EpochNumbers]:
        """Class number of every image, and what is requested; ``sampling_strategy_`` is set."""
        if self.epoch < 0:
            raise ValueError(f"`epoch` must be the number of an epoch, >= 0, got {self.epoch!r}.")
        labels, codes, sizes = np.unique(y, return_inverse=True, return_counts=True)
        counts = dict(zip(plain_list(labels), sizes.tolist(), strict=True))
        numbers = EpochNumbers(self.sampling_strategy, counts, y)
        wanted = numbers.of(self.epoch).tolist()
        self.sampling_strategy_ = dict(zip(counts, wanted, strict=True))
        return codes.reshape(-1), numbers

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        codes, numbers = self._requested(np.asarray(y))
        if isinstance(self.random_state, Integral):
            seed = int(self.random_state)
        else:
            seed = int(check_random_state(self.random_state).randint(1 << 32, dtype=np.uint32))
        sizes = np.array(list(numbers.counts.values()))
        dealt = Decks(codes, sizes, seed).deal(numbers.before(self.epoch), numbers.of(self.epoch))
        # in the order of X: files and memmaps are read from front to back
        self.sample_indices_ = np.repeat(np.arange(len(y)), np.bincount(dealt, minlength=len(y)))
        return seen[self.sample_indices_], y[self.sample_indices_]

    def _warn_of_lost_classes(self, y: NDArray[Any]) -> None:
        """Be silent: a class of which no image is left was requested to have none."""


@substitute
class SamplerChain(NamedMembersMixin, ImageSamplerMixin, BaseSampler):
    """Run several samplers one after the other, as one sampler with one plan.

    A Pipeline of the same samplers gives the same images. But imbalanced-learn refuses a
    Pipeline inside a Pipeline, and it has no plan: this one goes wherever a sampler goes, and
    its ``plan_`` leads from each row of the result back to the images that it was given.

    Each sampler is a parameter by the name that :func:`sklearn.pipeline.make_pipeline` would give
    it, its class in lower case: a grid search reaches ``samplerchain__redrawimages__share``, and
    ``redrawimages-2`` where there are two.

    {guide=both-and-ensembles}

    Parameters
    ----------
    samplers : list of samplers
        Samplers of this package; clones of them are fitted. ``ImageSampler`` makes one of any
        other.
    random_state : int, RandomState instance or None, default=None
        Seed of the samplers whose own `random_state` is None. With an int the first sampler of
        each class gets it, the second of the same class one more, and so on: with one seed, two
        ``RedrawImages`` would choose the same images. ``None``: each has its own.
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    samplers_ : list of samplers
        As fitted, each on what the one before it has made.
    {plan_}
    {n_features_in_}

    Raises
    ------
    TypeError
        For a member that is no sampler of this package.

    See Also
    --------
    imblearn_images.recipes : Samplers and chains that were measured to help.
    ImageSampler : Any other sampler with imbalanced-learn's interface.

    Examples
    --------
    >>> from imblearn_images import RandomOverSampler, RedrawImages
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.synthesis import Augment
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> chain = SamplerChain([RandomOverSampler(), RedrawImages(Augment())], random_state=0)
    >>> X_res, y_res = chain.fit_resample(images, labels)
    >>> chain.plan_
    ResamplingPlan(361 images -> 768 -> 768 rows: 220 original, 164 copies, 384 synthetic, drawn by
      Augment)
    >>> chain.set_params(redrawimages__share=0.0).fit_resample(images, labels)[0].shape
    (768, 32, 32)
    """

    members_in = "samplers"
    seeds_members = True

    _sampling_type = "bypass"  # which rows of which class is the business of the members
    sampling_strategy = None
    _parameter_constraints: dict[str, Any] = {
        "samplers": "no_validation",
        "random_state": ["random_state"],
        "output_dir": ADDED["output_dir"],
        "n_jobs": ADDED["n_jobs"],
    }

    def __init__(
        self,
        samplers: Sequence[Any],
        *,
        random_state: int | np.random.RandomState | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.samplers = samplers
        self.random_state = random_state
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        self.samplers_ = self.members()
        if isinstance(X, Images):
            if X.paths is not None:
                self.plan_ = self._decided_on_files(X, y)
                if not self.plan_.synthetic.any():
                    return X.subset(self.plan_.first_base), self.plan_.y
                return self._draw(self._images_to_draw(X)), self.plan_.y
            X = np.asarray(X) if X.in_memory else X
        plan: ResamplingPlan | None = None
        for sampler in self.samplers_:
            X, y = sampler.fit_resample(X, y)
            plan = sampler.plan_ if plan is None else sampler.plan_.after(plan)
        assert plan is not None
        self.plan_ = plan
        return X, y

    def _decided_on_files(self, files: Images, y: NDArray[Any]) -> ResamplingPlan:
        """Let all decide, one on what the other would draw: no file is written between."""
        plan: ResamplingPlan | None = None
        for sampler in self.samplers_:
            made = None if plan is None or not plan.synthetic.any() else plan
            if made is not None and made.why_not:
                raise ValueError(
                    f"What is {made.rule} cannot be drawn again for the next sampler, "
                    f"{sampler!r}. Make this sampler the last, or put `ReadImages` first to "
                    "resample arrays in memory."
                )
            draws = "output_dir" in sampler.get_params(deep=False)
            if draws and sampler.output_dir is not None:
                raise ValueError(
                    f"`output_dir` must be given to SamplerChain, not to {sampler!r} in it: no "
                    "file is written between the samplers. Pass it to SamplerChain."
                )
            if draws and self.output_dir is not None:
                sampler.set_params(output_dir=DrawLater(self.output_dir))
            if made is not None:
                sampler.fit_resample(DrawnImages(made, files), y)
            else:  # still the files themselves
                sampler.fit_resample(files if plan is None else files.subset(plan.first_base), y)
            plan = sampler.plan_ if plan is None else sampler.plan_.after(plan)
            y = plan.y
            if draws:
                sampler.set_params(output_dir=None)
        assert plan is not None
        return plan

    def members(self) -> list[Any]:
        """Return the samplers as they are run: clones that all have a seed.

        Returns
        -------
        samplers : list of samplers
            One after the other, they do what this sampler does.

        Raises
        ------
        TypeError
            For a member that is no sampler of this package.
        """
        return list(self._seeded())

    def _seeded(self) -> Iterator[Any]:
        """Clone the members, with a seed and a number of jobs where they have none."""
        if not isinstance(self.samplers, (list, tuple)) or not len(self.samplers):
            raise TypeError(
                f"`samplers` must be a list of samplers, got {self.samplers!r}. For one, pass "
                "[sampler], or use it as it is."
            )
        first = self.random_state if isinstance(self.random_state, Integral) else None
        so_far: dict[type, int] = {}
        for sampler in self.samplers:
            if isinstance(sampler, type) or not isinstance(sampler, ImageSamplerMixin):
                raise TypeError(
                    f"`samplers` must hold samplers of imblearn_images, got {sampler!r}. "
                    "ImageSampler makes one of any other sampler."
                )
            member = clone(sampler)
            own = member.get_params(deep=False)
            if "n_jobs" in own and own["n_jobs"] is None:
                member.set_params(n_jobs=self.n_jobs)
            at = so_far.setdefault(type(member), 0)
            so_far[type(member)] += 1
            if self.random_state is None or own.get("random_state", 0) is not None:
                yield member
            elif first is not None:
                yield member.set_params(random_state=(int(first) + at) % (1 << 32))
            else:
                seed = check_random_state(self.random_state).randint(1 << 32, dtype=np.uint32)
                yield member.set_params(random_state=int(seed))
