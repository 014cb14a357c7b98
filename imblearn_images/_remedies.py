"""Remedies: what a message advises, spelled for the command that prints it.

Messages have one spelling, that of Python: ``on_error="skip"`` for a parameter with its value,
```n_jobs``` in backticks for one without. The command line spells both as the options of the
command that is running, ``--on-error skip`` and ``--n-jobs``. Where people who write Python need
to be told whose parameter it is, that stands behind it in brackets that begin with "of", and the
command line leaves it out: ``mode="RGB" (of ReadImages)`` is ``--mode RGB``. An option that only
another command has is named with it, ``--mode RGB of balance``.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping

__all__ = ["spelled"]

ALIASES = {
    "cv": ("folds",),
    "random_state": ("seed",),
    "resamplers": ("methods",),
    "sampler": ("method",),
    "sampling_strategy": ("strategy",),
    "scoring": ("metric",),
}
"""Parameters whose option has another name, and what it may be called."""

_REMEDY = re.compile(
    r"""(?<![\w/\\.'"=-])                # not inside a name of a file
    (`)?(?P<name>[a-z][a-z_]*)=
    (?P<value>"[^"\n]*"|'[^'\n]*'|True|False|None|-?\d[\d.]*(?<!\.))
    (?(1)`)(?![\w/\\])
    (?P<place>\ \(of\ [^()\n]*\))?      # whose parameter it is
    |`(?P<alone>[a-z][a-z_]*)`(?P<place_alone>\ \(of\ [^()\n]*\))?""",
    re.VERBOSE,
)


Options = Mapping[str, argparse.Action]


def spelled(text: str, options: Options, others: Mapping[str, Options] | None = None) -> str:
    """Spell the remedies in a message as options of a command.

    Parameters
    ----------
    text : str
        The message.
    options : mapping of str to argparse.Action
        The options of the command, by the parameter they set.
    others : mapping of str to mapping, default=None
        Those of other commands, by their names.

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
    """

    def spell(found: re.Match[str]) -> str:
        name = found["name"] or found["alone"]
        action, where = _option(name, options), ""
        # in backticks alone it may be no option but something of Python's
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

    return _REMEDY.sub(spell, text)


def _option(name: str, options: Options) -> argparse.Action | None:
    """Find the option that sets a parameter."""
    for each in (name, *ALIASES.get(name, ())):
        if each in options and options[each].option_strings:
            return options[each]
    return None
