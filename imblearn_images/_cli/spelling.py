"""Spelling: remedies that messages give for Python, written as options of the command line."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping

from imblearn_images._cli.words import METHODS

__all__ = ["spelled"]

ALIASES = {
    "cv": ("folds",),
    "random_state": ("seed",),
    "resamplers": ("methods",),
    "sampler": ("method",),
    "sampling_strategy": ("strategy",),
    "scoring": ("metric",),
}
"""Parameters whose option has another name, and that name."""

_REMEDY = re.compile(
    r"""(?<![\w/\\.'"=-])                # not inside the name of a file
    (`)?(?P<name>[a-z][a-z_]*)=
    (?P<value>"[^"\n]*"|'[^'\n]*'|True|False|None|-?\d[\d.]*(?<!\.))
    (?(1)`)(?![\w/\\])
    (?P<place>\ \(of\ [^()\n]*\))?      # the function it belongs to
    |`(?P<alone>[a-z][a-z_]*)`(?P<place_alone>\ \(of\ [^()\n]*\))?""",
    re.VERBOSE,
)


# Recipes are left out: their names are everyday words, the same on the command line as in Python.
_CALLED = {kind.__name__: name for name, kind in METHODS.items() if isinstance(kind, type)}
_SAMPLER = re.compile(rf"(?<![\w/\\.'\"=-])(?P<name>{'|'.join(_CALLED)})(\(\))?(?![\w/\\.'\"(+])")


Options = Mapping[str, argparse.Action]


def spelled(text: str, options: Options, others: Mapping[str, Options] | None = None) -> str:
    """Return a message in which parameters and samplers of Python are spelled as options.

    Parameters
    ----------
    text : str
        The message.
    options : mapping of str to argparse.Action
        The options of the command, by the parameter they set.
    others : mapping of str to mapping, default=None
        The options of other commands, by the commands' names.

    Returns
    -------
    spelled : str

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> actions = [parser.add_argument("--on-error"), parser.add_argument("--seed", type=int)]
    >>> options = {action.dest: action for action in actions}
    >>> spelled('Leave them out with on_error="skip" (of split_folder).', options)
    'Leave them out with --on-error skip.'
    >>> spelled("`random_state` must be an integer, got random_state=1.5.", options)
    '--seed must be an integer, got --seed 1.5.'
    >>> spelled("read dogs/on_error='skip'.png with size=3", options)
    "read dogs/on_error='skip'.png with size=3"
    >>> options = {"method": parser.add_argument("--method")}
    >>> spelled("Use RandomOverSampler, which needs one image.", options)
    'Use --method random-over, which needs one image.'
    """

    def spell(found: re.Match[str]) -> str:
        name = found["name"] or found["alone"]
        action, where = _option(name, options), ""
        # A name in backticks without a value may be any Python name, not an option elsewhere.
        if action is None and found["value"] is not None:
            having = (each for each, theirs in (others or {}).items() if _option(name, theirs))
            if command := next(having, ""):
                action, where = _option(name, (others or {})[command]), f" of {command}"
        if action is None:
            return found[0]
        option = action.option_strings[-1 if found["value"] == "False" else 0]
        if found["value"] is None or action.nargs == 0:  # a switch
            return option + where
        return f"{option} {shlex.quote(found['value'].strip(chr(34) + chr(39)))}{where}"

    text = _REMEDY.sub(spell, text)
    method = next((options[each] for each in ("method", "methods") if each in options), None)
    if method is not None:
        text = _SAMPLER.sub(lambda m: f"{method.option_strings[0]} {_CALLED[m['name']]}", text)
    return text


def _option(name: str, options: Options) -> argparse.Action | None:
    """Return the option that sets a parameter, or None."""
    for each in (name, *ALIASES.get(name, ())):
        if each in options and options[each].option_strings:
            return options[each]
    return None
