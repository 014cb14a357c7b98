"""Turn class folders of photos into a balanced, traceable data set on disk.

- :func:`load_image_folder`, :func:`inspect_folder`, :func:`split_folder` read;
- :func:`balance_folder`, :func:`unbalance_folder`, :func:`export_images` write a new folder;
- :func:`verify_folder` checks such a folder against its manifest.

A data set on disk is its image files, ``labels.csv`` for the layout "csv", and
``manifest.jsonl``, written last: one line of JSON per row with ``path``, ``label``, ``split``,
``kind``, ``parents`` (files below the source, the base first), ``synthesis``, ``step``,
``seed`` and ``sha256``; or ``manifest.parquet``, with the same fields as columns. While a run is
writing, the folder holds ``.unfinished/``: a folder with one is not a data set yet.

Used as a source again, such a folder still records what its images show: drawn images may be
trained on but never validate, and the rows of the next output record in ``ancestors`` and
``drawn_before`` what they descend from.
"""

# Data goes one way through these rooms. `_layout` lists class folders, and says where none are;
# `_source` examines each file once; `_splitting` divides them; `_plan` decides what the output
# will hold, which is all that a dry run does; `_writing` carries it out, row by row, into the
# folder of `_output`. Beside them: `_form` is how an output is written, `_names` how things are
# called on disk, `_manifest` what is recorded there, and `_lineage` what such a record says of a
# source.
from imblearn_images.folders._balancing import balance_folder, unbalance_folder
from imblearn_images.folders._exporting import export_images
from imblearn_images.folders._inspecting import InspectReport, inspect_folder
from imblearn_images.folders._loading import load_image_folder
from imblearn_images.folders._report import FolderReport
from imblearn_images.folders._splitting import FolderSplit, split_folder
from imblearn_images.folders._verifying import VerifyReport, verify_folder

__all__ = [
    "FolderReport",
    "FolderSplit",
    "InspectReport",
    "VerifyReport",
    "balance_folder",
    "export_images",
    "inspect_folder",
    "load_image_folder",
    "split_folder",
    "unbalance_folder",
    "verify_folder",
]


def __dir__() -> list[str]:
    return __all__
