"""Keras: training loops. Needs the extra ``imblearn-images[keras]`` and a backend for Keras.

- :class:`PlanSequence` draws another resampled set in every epoch, as its batches are read
"""

from typing import Any

from imblearn_images.keras._sequence import Batches

__all__ = ["PlanSequence"]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name != "PlanSequence":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import keras
    except ImportError as exc:
        raise ImportError(
            "PlanSequence needs Keras. Install it: pip install imblearn-images[keras]"
        ) from exc
    # The class is made when it is first used: its base, PyDataset, takes seconds to import.
    members = {"__doc__": Batches.__doc__, "__module__": __name__}
    globals()[name] = type(name, (Batches, keras.utils.PyDataset), members)
    return globals()[name]
