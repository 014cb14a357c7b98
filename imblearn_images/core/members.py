"""Members: estimators in a list, reached by name like the steps of a Pipeline."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import make_pipeline


class NamedMembersMixin:
    """Mixin that makes what is in a list parameter a parameter of its own; before BaseEstimator.

    Names are those that :func:`sklearn.pipeline.make_pipeline` gives: the class in lower case,
    with ``-1``, ``-2`` where there are several. A string is its own name, a function is called
    ``function``; they have no parameters, but can be replaced as any other member.

    Examples
    --------
    >>> from imblearn_images.synthesis import Augment, Chain
    >>> chain = Chain(["blend", Augment(noise=0.1)])
    >>> sorted(chain.get_params())[:3], chain.get_params()["augment__noise"]
    (['augment', 'augment__brightness_range', 'augment__contrast_range'], 0.1)
    >>> chain.set_params(augment__noise=0.2, blend="copy")
    Chain(syntheses=['copy', Augment(noise=0.2)])
    """

    members_in: str
    """Name of the parameter that holds the list."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters; if `deep`, also members by name, and their parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to tell ``augment`` and ``augment__noise``, too, for example.

        Returns
        -------
        params : dict
            Name to value.
        """
        params: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]
        for name, member in self._named_members() if deep else ():
            params[name] = member
            if hasattr(member, "get_params") and not isinstance(member, type):
                params |= {f"{name}__{key}": value for key, value in member.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Any:
        """Set the list, members of it, and their parameters, in this order.

        Parameters
        ----------
        **params : dict
            Names as in :meth:`get_params`. Members are replaced in a new list.

        Returns
        -------
        self : object
            Itself.

        Raises
        ------
        ValueError
            For a name that is no parameter.
        """
        if self.members_in in params:
            setattr(self, self.members_in, params.pop(self.members_in))
        members = self._named_members()
        if any(name in params for name, _ in members):
            replaced = [params.pop(name, member) for name, member in members]
            setattr(self, self.members_in, replaced)
        return super().set_params(**params)  # type: ignore[misc]

    def _named_members(self) -> list[tuple[str, Any]]:
        """Name and member; none of what is no list, which is refused when it is used."""
        given = getattr(self, self.members_in)
        members: list[tuple[str, Any]] = make_pipeline(
            *(given if isinstance(given, (list, tuple)) else ())
        ).steps
        return members
