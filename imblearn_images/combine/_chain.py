"""SamplerChain: several samplers, run one after the other, as one sampler."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from imblearn.base import BaseSampler
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import ADDED, ImageSamplerMixin
from imblearn_images.core.estimators import NamedMembersMixin
from imblearn_images.core.images import Images
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.core.writing import DrawLater

__all__ = ["SamplerChain"]


@substitute
class SamplerChain(NamedMembersMixin, ImageSamplerMixin, BaseSampler):
    """Run several samplers one after the other, as one sampler with one plan.

    A Pipeline of the same samplers returns the same images. But imbalanced-learn does not take a
    Pipeline inside a Pipeline, and it has no plan. A SamplerChain goes wherever a sampler goes,
    and its ``plan_`` leads from each row of the result back to the images given to it.

    Each sampler is a parameter, named as :func:`sklearn.pipeline.make_pipeline` would name it, by
    its class in lower case: a grid search sets ``samplerchain__redrawimages__share``, and
    ``redrawimages-2`` is the second of two.

    {guide=both-and-ensembles}

    Parameters
    ----------
    samplers : list of samplers
        Samplers of this package, of which clones are fitted. ``ImageSampler`` turns any other
        sampler into one.
    random_state : int, RandomState instance or None, default=None
        Seed of the samplers whose own `random_state` is None. With an int the first sampler of
        each class gets it, the second of the same class gets it plus one, and so on: with one
        seed, two ``RedrawImages`` would choose the same images. ``None``: each keeps its own.
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    samplers_ : list of samplers
        The fitted clones, each fitted on the result of the one before it.
    {plan_}
    {n_features_in_}

    Raises
    ------
    TypeError
        For a member that is not a sampler of this package.

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
        """Return the plan of the whole chain for files, and write none.

        Each sampler decides on the images that the plan before it would draw.
        """
        plan: ResamplingPlan | None = None
        for sampler in self.samplers_:
            made = None if plan is None or not plan.synthetic.any() else plan
            if made is not None and made.why_not:
                raise ValueError(
                    f"`samplers` must not have {sampler!r} behind a sampler whose images are "
                    f"{made.rule}: such images cannot be drawn again from files. Make the sampler "
                    "before it the last, or put `ReadImages` first to resample arrays in memory."
                )
            draws = "output_dir" in sampler.get_params(deep=False)
            if draws and sampler.output_dir is not None:
                raise ValueError(
                    f"`output_dir` must be given to SamplerChain, not to {sampler!r} in it: no "
                    "file is written between the samplers. Pass it to SamplerChain."
                )
            if draws and self.output_dir is not None:  # it decides; this chain draws, at the end
                sampler.set_params(output_dir=DrawLater(self.output_dir))
            if made is not None:
                sampler.fit_resample(DrawnImages(made, files), y)
            else:  # still the files themselves
                sampler.fit_resample(files if plan is None else files.subset(plan.first_base), y)
            # Joined at each step: the next sampler decides on rows of this plan, not on files.
            plan = sampler.plan_ if plan is None else sampler.plan_.after(plan)
            y = plan.y
            if draws:
                sampler.set_params(output_dir=None)
        assert plan is not None
        return plan

    def members(self) -> list[Any]:
        """Return the samplers as they are run: clones, with seeds if `random_state` is set.

        Returns
        -------
        samplers : list of samplers
            Run one after the other, they do what this sampler does.

        Raises
        ------
        TypeError
            For a member that is not a sampler of this package.
        """
        return list(self._seeded())

    def _seeded(self) -> Iterator[Any]:
        """Yield clones of the members, with a seed and a number of jobs where they have none."""
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
                    "Wrap any other sampler in ImageSampler."
                )
            member = clone(sampler)
            own = member.get_params(deep=False)
            # A number of jobs that a member has is a decision of the user.
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
