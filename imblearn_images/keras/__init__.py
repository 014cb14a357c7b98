"""Keras: training loops. Needs the extra ``imblearn-images[keras]``, and a backend of Keras.

- :class:`PlanSequence`: another resampled set in every epoch, drawn as it is read
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
    members = {"__doc__": Batches.__doc__, "__module__": __name__}
    globals()[name] = type(name, (Batches, keras.utils.PyDataset), members)
    return globals()[name]
