"""Saving: a plan as a file, numbers in npz and the rest in JSON, so that loading runs no code.

A plan is written step by step. Each step is a set of columns. Labels that are objects are written
by value, and a synthesis as the name of its class and its parameters, from which the constructor
makes it again. Of the source, fingerprints are written: for each row 8 bytes for the label and 8
for the file name.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from hashlib import blake2b
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core import rules
from imblearn_images.core.disk import written_whole
from imblearn_images.core.text import printable

FORMAT = {"format": "imblearn_images.ResamplingPlan", "version": 1}
COLUMNS = {
    "base": "int64",
    "partners": "int64",
    "weights": "float64",
    "drawn": "bool",
    "seeds": "uint64",
    "tries": "int64",
    "accepted": "bool",
}
"""Columns of a step besides its labels -> dtype in the file."""
READ_AS = {"int64": np.intp}  # row numbers: the file is the same on machines with 32 bits


class NotWritableError(TypeError):
    """Raised for a value that a file cannot hold without code."""


def fingerprint(values: Iterable[Any]) -> NDArray[np.uint64]:
    """Return a hash of 8 bytes for each value, shape (n,): equal for equal type and text.

    Examples
    --------
    >>> fingerprint(["a", 1, 1.0]) == fingerprint(["a", "1", 1])
    array([ True, False, False])
    """
    # With the type: 1 and "1" are different labels.
    texts = (f"{type(value).__name__}\0{value}" for value in values)
    digests = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8) for text in texts)
    return np.frombuffer(b"".join(digest.digest() for digest in digests), dtype="<u8")


def file_names(paths: Iterable[Any]) -> list[str]:
    """Return the names of files without their folders, which may differ between machines."""
    return [os.path.basename(os.fspath(path)) for path in paths]


def write(
    path: str | os.PathLike[str],
    steps: Sequence[dict[str, Any]],
    source: dict[str, NDArray[np.uint64] | None],
) -> None:
    """Write the steps of a plan into a file, whole or not at all; an existing one is replaced.

    Parameters
    ----------
    path : path
        The file.
    steps : sequence of dict
        The fields of the plan of each step without ``previous``, the first step first.
    source : dict
        Fingerprints of the source, or None, by name.

    Raises
    ------
    TypeError
        For labels other than text, numbers, dates and tuples of these.
    """
    arrays: dict[str, NDArray[Any]] = {}
    headers = []
    for number, step in enumerate(steps):
        header = {"n_source": int(step["n_source"]), "nearness": step["nearness"]}
        for name, dtype in COLUMNS.items():
            if step[name] is not None:
                arrays[f"{number}.{name}"] = np.asarray(step[name], dtype=dtype)
        header["labels"] = _labels(step["y"], f"{number}.y", arrays)
        header["names"] = [_label(name) for name in step["labels"]]
        header["rule"] = rules.rule_name(step["synthesis"])
        try:
            header["synthesis"] = _value(step["synthesis"], f"{number}.synthesis", arrays)
        except NotWritableError:
            header["synthesis"] = None
        headers.append(header)
    arrays |= {f"source.{name}": column for name, column in source.items() if column is not None}
    text = json.dumps({**FORMAT, "steps": headers})
    arrays["header"] = np.frombuffer(text.encode(), dtype=np.uint8)
    with written_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read(
    path: str | os.PathLike[str], given: Callable[[str], Any]
) -> tuple[list[dict[str, Any]], dict[str, NDArray[np.uint64]]]:
    """Read what :func:`write` has written.

    Parameters
    ----------
    path : path
        The file.
    given : callable
        ``given(name)`` returns the synthesis of a step that the file could not hold, by its name.

    Returns
    -------
    steps, source : list of dict, dict
        As they were passed to :func:`write`.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If the file was not written by :func:`write`, or is damaged.
    """
    if not os.path.isfile(path):
        open(path, "rb").close()  # raises the usual error of a missing or unreadable file
        raise ValueError(f"{printable(path)} must be a file that ResamplingPlan.save has written.")
    # Read once: what is checked is what is loaded, whatever becomes of the file meanwhile.
    content = Path(path).read_bytes()
    try:
        arrays = _arrays(content)
        header = json.loads(bytes(arrays["header"]))
        if {name: header[name] for name in FORMAT} != FORMAT:
            raise ValueError(f"its format is {str({name: header[name] for name in FORMAT})[:100]}")
        source = {
            name: arrays[f"source.{name}"]
            for name in ("labels", "names")
            if f"source.{name}" in arrays
        }
        if any(column.dtype != np.uint64 or column.ndim != 1 for column in source.values()):
            raise ValueError("the fingerprint of the source is not a column of 64-bit numbers")
        steps = [_step(step, number, arrays) for number, step in enumerate(header["steps"])]
        if not steps:
            raise ValueError("it has no steps")
    except Exception as exc:  # zip, npz and JSON can raise anything for a forged file
        reason = printable(f"{type(exc).__name__}: {exc}"[:200])
        raise ValueError(
            f"{printable(path)} is no plan that ResamplingPlan.save has written, or it is damaged "
            f"({reason}). Save the plan again."
        ) from exc
    for step in steps:
        if step["synthesis"] is None:
            step["synthesis"] = given(step["rule"])
        del step["rule"]
    return steps, source


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file by name; raise if it is compressed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("it is compressed")  # possibly a decompression bomb; `write` never is
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: np.asarray(file[name]) for name in file.files}


def _step(header: dict[str, Any], number: int, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the fields of the plan of one step, after checking types, shapes and values."""
    step: dict[str, Any] = {"n_source": header["n_source"], "nearness": header["nearness"]}
    step["y"] = _labels_again(header["labels"], f"{number}.y", arrays)
    step["labels"] = tuple(_label_again(*name) for name in header.get("names", ()))
    step["rule"] = str(header["rule"])
    step["synthesis"] = _value_again(header["synthesis"], arrays)
    if step["synthesis"] is not None and not hasattr(step["synthesis"], "draw"):
        raise ValueError(f"synthesis of step {number}")
    for name, dtype in COLUMNS.items():
        column = arrays.get(f"{number}.{name}")
        if column is not None:
            n_axes = 2 if name in ("partners", "weights") else 1
            if column.dtype != dtype or column.ndim != n_axes or len(column) != len(step["y"]):
                raise ValueError(f"{name} of step {number} has {column.dtype} {column.shape}")
            column = column.astype(READ_AS.get(dtype, column.dtype), copy=False)
        elif name in ("base", "partners", "weights"):
            raise ValueError(f"step {number} has no {name}")
        step[name] = column
    if not np.isfinite(step["weights"]).all():
        raise ValueError(f"weights of step {number} are not finite")
    if type(step["n_source"]) is not int or type(step["nearness"]) is not str:
        raise ValueError(f"n_source or nearness of step {number}")
    return step


def _labels(y: NDArray[Any], key: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """Put labels into `arrays`; of objects, put codes and return the list of labels by code."""
    if y.dtype.kind in "biufcUSmM":
        arrays[key] = y
        return None
    known: dict[Any, int] = {}
    # The type is part of the key: 1, 1.0 and True are equal, but not the same label.
    codes = [known.setdefault((type(label), label), len(known)) for label in y.tolist()]
    arrays[key] = np.array(codes, dtype=np.int64)
    return [_label(label) for _, label in known]


def _labels_again(listed: Any, key: str, arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the labels that :func:`_labels` wrote."""
    if listed is None:
        return arrays[key]
    labels = np.empty(len(listed), dtype=object)
    labels[:] = [_label_again(*label) for label in listed]
    codes = arrays[key]
    if codes.dtype != np.int64 or (len(codes) and codes.min() < 0):
        raise ValueError("numbers of labels must be integers from 0 on")
    taken: NDArray[Any] = labels[codes]
    return taken


def _label(label: Any) -> list[Any]:
    """Return one label as its type and a value that JSON can hold."""
    kind = type(label)
    if kind in (str, bool, int, float, type(None)):
        return [kind.__name__, label]
    if kind in (datetime, date):
        return [kind.__name__, label.isoformat()]
    if kind is tuple:
        return ["tuple", [_label(part) for part in label]]
    if isinstance(label, np.generic) and label.dtype.kind in "biufmM":
        kept = str(label.astype(np.int64)) if label.dtype.kind in "mM" else label.item()
        return ["numpy", [label.dtype.str, kept]]
    if kind is np.str_:
        return ["str", str(label)]
    raise TypeError(
        f"A plan can be saved with labels that are text, numbers, dates or tuples of these, got "
        f"{label!r:.60} ({kind.__name__}). Resample with y.astype(str)."
    )


def _label_again(kind: str, value: Any) -> Any:
    """Return the label that :func:`_label` wrote as a type and a value."""
    if kind == "numpy":
        dtype = np.dtype(value[0])
        if dtype.kind not in "biufmM":
            raise ValueError(f"labels of {dtype}")
        whole = np.array(int(value[1])) if dtype.kind in "mM" else np.array(value[1])
        return whole.astype(dtype)[()]
    makers: dict[str, Callable[[Any], Any]] = {
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "tuple": lambda parts: tuple(_label_again(*part) for part in parts),
    }
    if kind in makers:
        return makers[kind](value)
    if type(value).__name__ != kind:
        raise ValueError(f"a label that is no {kind}")
    return value


def _classes() -> dict[str, type]:
    """Return classes that a file may name: the rules of samplers, and the public syntheses."""
    # The core must not import the face, but a file may name its classes: imported by name, late.
    face = import_module(f"{__package__.partition('.')[0]}.synthesis")
    known = [rules.Blend, rules.Copy, rules.Generated, rules.Noise]
    known += [getattr(face, name) for name in face.__all__]
    return {cls.__name__: cls for cls in known if hasattr(cls, "draw")}


def _value(value: Any, key: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return a synthesis, or one of its parameters, as JSON can hold it; arrays go to `arrays`."""
    kind = type(value)
    if kind in (str, bool, int, float, type(None)):
        return value
    if kind in (list, tuple):
        parts = [_value(part, f"{key}.{at}", arrays) for at, part in enumerate(value)]
        return parts if kind is list else {"tuple": parts}
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufU":
        arrays[key] = np.asarray(value)
        return {"array": key, "scalar": isinstance(value, np.generic)}
    # A third-party class of the same name would be replaced by ours when it is read.
    if _classes().get(kind.__name__) is not kind:
        raise NotWritableError(f"{value!r:.60}")
    parameters = value.get_params(deep=False)
    return {
        "class": kind.__name__,
        "parameters": {n: _value(v, f"{key}.{n}", arrays) for n, v in parameters.items()},
    }


def _value_again(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return the synthesis or parameter that :func:`_value` wrote."""
    if isinstance(value, list):
        return [_value_again(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(_value_again(part, arrays) for part in value["tuple"])
    if "array" in value:
        array = arrays[value["array"]]
        return array[()] if value["scalar"] else array
    cls = _classes()[value["class"]]
    parameters = {name: _value_again(v, arrays) for name, v in value["parameters"].items()}
    # A parameter that this version does not know is named, instead of failing inside.
    signature(cls).bind(**parameters)
    return cls(**parameters)
