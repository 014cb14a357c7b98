"""Parquet: the rows of a manifest in columns, read and written some at a time.

The columns are the fields of a row, as its line of JSON has them; ``step`` is a list in every row
that has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from imblearn_images.core.text import printable

_SOME = 8192
"""Rows that are in memory at a time, and in a row group of the file."""
_REPEATED = ["label", "split", "kind", "synthesis", "seed", "reason", "drawn_before"]
"""Columns that say the same in many rows."""


def require_pyarrow() -> Any:
    """Return the module that reads and writes Parquet.

    Raises
    ------
    ModuleNotFoundError
        With the command that installs it.
    """
    try:
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "A manifest in Parquet needs pyarrow. Install it: pip install imblearn-images[parquet]"
        ) from error
    return pq


def check_text(names: Iterable[str]) -> None:
    """Raise for a name of a file that holds bytes which are no text: columns of text cannot.

    Raises
    ------
    ValueError
        Naming the file.
    """
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f'`manifest` must be "jsonl" where the name of a file is not UTF-8, got "parquet" '
                f"for {printable(name)}. Rename the file, or leave `manifest` out."
            ) from error


def write_rows(file: IO[bytes], rows: Iterable[Any]) -> None:
    """Write rows of a manifest, the same bytes for the same rows and version of pyarrow."""
    pq = require_pyarrow()
    import pyarrow as pa

    texts = pa.list_(pa.string())
    schema = pa.schema(
        [
            pa.field("path", pa.string()),
            pa.field("label", pa.string(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("parents", texts, nullable=False),
            pa.field("synthesis", pa.string()),
            pa.field("step", pa.list_(pa.float64())),
            pa.field("seed", pa.uint64()),
            pa.field("sha256", pa.string()),
            pa.field("reason", pa.string()),
            pa.field("ancestors", texts, nullable=False),
            pa.field("drawn_before", pa.bool_(), nullable=False),
        ]
    )
    left = iter(rows)
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=_REPEATED) as writer:
        while some := [_in_columns(row) for row in islice(left, _SOME)]:
            columns = [[row[at] for row in some] for at in range(len(schema))]
            arrays = map(pa.array, columns, schema.types)
            writer.write_batch(pa.record_batch(list(arrays), schema=schema))


def _in_columns(row: Any) -> tuple[Any, ...]:
    step = (row.step,) if isinstance(row.step, float) else row.step
    reason = row.reason  # of others, and may quote a name that is no text
    if reason is not None:
        reason = reason.encode("utf-8", "backslashreplace").decode()
    # in the order of the schema
    facts = (row.path, row.label, row.split, row.kind, row.parents, row.synthesis, step, row.seed)
    return *facts, row.sha256, reason, row.ancestors, row.drawn_before


def read_rows(file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a file, some in memory at a time, as a line of JSON would give them.

    Raises
    ------
    ValueError
        If it is no Parquet, or damaged.
    """
    pq = require_pyarrow()
    import pyarrow as pa

    try:
        table = pq.ParquetFile(file)
        names = table.schema_arrow.names
        if len(set(names)) < len(names):
            raise ValueError("A column is given twice.")
        for batch in table.iter_batches(_SOME, use_threads=False):
            for facts in batch.to_pylist():
                step = facts.get("step")
                if isinstance(step, list) and len(step) == 1:
                    facts["step"] = step[0]
                yield facts
    except (OSError, ValueError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of what is on it
        raise ValueError(f"Not Parquet, or damaged: {str(error).strip()[:200]}") from error
