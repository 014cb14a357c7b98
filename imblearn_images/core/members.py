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
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> class Several(NamedMembersMixin, BaseEstimator):
    ...     members_in = "parts"
    ...
    ...     def __init__(self, parts):
    ...         self.parts = parts
    >>> several = Several(["blend", MinMaxScaler(clip=True)])
    >>> several.get_params()["minmaxscaler__clip"]
    True
    >>> several.set_params(minmaxscaler__clip=False, blend="copy")
    Several(parts=['copy', MinMaxScaler()])
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
        for name, member in self._named_members().items() if deep else ():
            params[name] = member
            if hasattr(member, "get_params") and not isinstance(member, type):
                params |= {f"{name}__{key}": value for key, value in member.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Any:
        """Set the list, members of it, and their parameters, in this order.

        Names are those of the members before one is replaced; parameters given together with
        a new member are set on it.

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
        members = self._named_members(params.get(self.members_in))
        own = super().get_params(deep=False)  # type: ignore[misc]
        nested: dict[str, dict[str, Any]] = {name: {} for name in members}
        others, replaced = {}, {}
        for key, value in params.items():
            name, is_nested, rest = key.partition("__")
            if name not in members and name not in own:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: "
                    f"{[*own, *members]!r}."
                )
            if name not in members:
                others[key] = value
            elif is_nested:
                nested[name][rest] = value
            else:
                replaced[name] = value
        super().set_params(**others)  # type: ignore[misc]
        if replaced:
            members |= replaced
            setattr(self, self.members_in, list(members.values()))
        for name, its_params in nested.items():
            if its_params:
                _set(name, members[name], its_params)
        return self

    def _named_members(self, given: Any = None) -> dict[str, Any]:
        """Members by name; none of what is no list, which is refused when it is used."""
        given = getattr(self, self.members_in) if given is None else given
        return dict(make_pipeline(*(given if isinstance(given, (list, tuple)) else ())).steps)


def _set(name: str, member: Any, params: dict[str, Any]) -> None:
    if not hasattr(member, "set_params") or isinstance(member, type):
        raise ValueError(
            f"Invalid parameter {next(iter(params))!r} for {name!r}: {member!r} has no parameters."
        )
    member.set_params(**params)
