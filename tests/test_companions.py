"""The door for groups: one meaning in every container, whoever takes them."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_images
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from imblearn_images import SMOTE
from imblearn_images.core.files import write_image
from imblearn_images.folders import balance_folder, split_folder
from imblearn_images.model_selection import check_leakage, compare_resamplers
from imblearn_images.preprocessing import FlattenImages

CODE = np.arange(48) // 3
Y = np.where(np.arange(48) % 4 == 3, "dog", "cat")
X = make_images(48, (5, 4), "uint8")


def optional(module, make):
    return lambda code: make(pytest.importorskip(module), code)


GROUPS = {
    "array": lambda code: code,
    "column": lambda code: code[:, None],
    "floats": lambda code: code.astype(float),
    "text": lambda code: np.array([f"ward {each:02d}" for each in code]),
    "list": lambda code: code.tolist(),
    "rows of one": lambda code: [[each] for each in code.tolist()],
    "tuples": lambda code: [("ward", each) for each in code.tolist()],
    "mixed types": lambda code: [each if each % 2 else f"ward {each}" for each in code.tolist()],
    "numbers of no dimension": lambda code: [np.array(each) for each in code],
    "dates": lambda code: np.datetime64("2020-01-01", "ns") + code,
    "nothing masked": lambda code: np.ma.masked_array(code, mask=False),
    "Series": lambda code: pd.Series(code, index=code[::-1]),
    "Int64": lambda code: pd.Series(code, dtype="Int64"),
    "categories": lambda code: pd.Series(code, dtype="category"),
    "one-column frame": lambda code: pd.DataFrame({"ward": code}),
    "iterator": lambda code: iter(code.tolist()),
    "tensor": optional("torch", lambda torch, code: torch.tensor(code)),
    "tensor on the tape": optional(
        "torch", lambda torch, code: torch.tensor(code, dtype=torch.float32, requires_grad=True)
    ),
    "column tensor": optional("torch", lambda torch, code: torch.tensor(code)[:, None]),
    "list of tensors": optional(
        "torch", lambda torch, code: [torch.tensor(each) for each in code.tolist()]
    ),
    "polars": optional("polars", lambda pl, code: pl.Series(code)),
    "polars frame": optional("polars", lambda pl, code: pl.DataFrame({"ward": code})),
    "Arrow": optional("pyarrow", lambda pa, code: pa.array(code)),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for row in np.argsort(Y, kind="stable"):
        path = folder / Y[row] / f"{row:02d}.png"
        path.parent.mkdir(exist_ok=True)
        write_image(path, X[row])
    return folder


PLAN = SMOTE(k_neighbors=3, random_state=0)
PLAN.fit_resample(X, Y)


def crosses(groups, photos, tmp_path):
    return PLAN.plan_.crosses(groups).tolist()


def split(groups, photos, tmp_path):
    found = split_folder(photos, validation=0.3, groups=groups)
    return found.is_valid.tolist(), found.n_prevented


def balance(groups, photos, tmp_path):
    out = tmp_path / str(len(list(tmp_path.iterdir())))
    balance_folder(photos, out, validation=0.3, groups=groups)
    return sorted(path.name for path in (out / "valid").glob("*/*"))


def compare(groups, photos, tmp_path):
    model = make_pipeline(FlattenImages(), GaussianNB())
    found = compare_resamplers(model, [], X, Y, groups=groups, cv=2, random_state=0)
    return found.to_frame().iloc[:, :2].to_numpy().tolist()


def leakage(groups, photos, tmp_path):
    pairs = check_leakage(X, X[::-1], groups=(groups, CODE[::-1] + 1000), threshold=None).pairs
    return [(pair.train, pair.valid) for pair in pairs if pair.kind == "group"]


def leakage_of_valid(groups, photos, tmp_path):
    pairs = check_leakage(X, X[::-1], groups=(CODE - 1000, groups), threshold=None).pairs
    return [(pair.train, pair.valid) for pair in pairs if pair.kind == "group"]


DOORS = {
    "plan.crosses": crosses,
    "split_folder": split,
    "balance_folder": balance,
    "compare_resamplers": compare,
    "check_leakage": leakage,
    "check_leakage, validation": leakage_of_valid,
}
every_door = pytest.mark.parametrize("door", DOORS)


@every_door
def test_groups_mean_the_same_in_every_container(door, photos, tmp_path):
    expected = DOORS[door](CODE, photos, tmp_path)
    for kind, hold in GROUPS.items():
        if door == "balance_folder" and kind not in ("tensor", "polars frame", "mixed types"):
            continue  # it splits as split_folder does
        try:
            groups = hold(CODE)
        except pytest.skip.Exception:
            continue
        found = DOORS[door](groups, photos, tmp_path)
        if door != "compare_resamplers" or kind != "mixed types":  # which have another order
            assert found == expected, kind


@every_door
@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT")])
def test_an_image_without_a_group_is_named(door, missing, photos, tmp_path):
    groups = CODE.astype(object)
    groups[7] = missing
    for each in (groups, groups.tolist(), pd.Series(groups), groups[:, None]):
        with pytest.raises(ValueError, match=r"1 missing groups.*row 7"):
            DOORS[door](each, photos, tmp_path)
    masked = np.ma.masked_array(CODE, mask=np.arange(48) == 7)
    with pytest.raises(ValueError, match=r"1 missing groups.*row 7"):
        DOORS[door](masked, photos, tmp_path)


@every_door
def test_what_is_not_one_column_of_groups_is_refused(door, photos, tmp_path):
    for groups in (
        np.stack([CODE, CODE], axis=1),
        pd.DataFrame({"a": CODE, "b": CODE}),
        [[each, each] for each in CODE.tolist()],
        {3: 4} if "folder" not in door else 3,
        3,
    ):
        with pytest.raises(ValueError, match="must be one column"):
            DOORS[door](groups, photos, tmp_path)
    with pytest.raises(ValueError, match="has 47 values, there are 48"):
        DOORS[door](CODE[1:], photos, tmp_path)


def test_a_file_without_a_group_is_named_where_groups_come_from_its_path(photos, tmp_path):
    def ward(path):
        return None if path.endswith("07.png") else path[-6:-5]

    with pytest.raises(ValueError, match=r"1 missing groups.*'dog/07.png'"):
        split_folder(photos, groups=ward)
    names = {f"{Y[row]}/{row:02d}.png": row // 3 for row in range(48)}
    with pytest.raises(ValueError, match=r"1 missing groups.*'dog/07.png'"):
        split_folder(photos, groups=names | {"dog/07.png": np.nan})


def test_a_group_on_both_sides_is_named_whatever_its_type():
    folds = [(np.arange(0, 48, 2), np.arange(1, 48, 2))]
    model = make_pipeline(FlattenImages(), GaussianNB())
    for groups, told in (
        (CODE.astype(str), "'0'"),
        (CODE, "group 0"),
        (GROUPS["dates"](CODE), "2020"),
    ):
        with pytest.raises(ValueError, match=rf"trains and tests on.*{told}"):
            compare_resamplers(model, [], X, Y, groups=groups, cv=folds)
