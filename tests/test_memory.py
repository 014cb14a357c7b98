"""Law 8: above the input, the output and at most 48 MB."""

import atexit
import functools
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from conftest import make_images, make_labels, write_images

from imblearn_images import (
    SMOTE,
    SVMSMOTE,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    InstanceHardnessThreshold,
    RandomOverSampler,
    RandomUnderSampler,
    render,
)
from imblearn_images.core import memory

LIMIT = 48e6
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MEASURE = """
import re, sys, threading, time
import numpy as np
from pathlib import Path
from imblearn import over_sampling as theirs
from imblearn_images import *
from imblearn_images.synthesis import *

rng = np.random.default_rng(0)
STATUS = Path("/proc/self/status")

def rss(field):
    return int(re.search(field + r":\\s+(\\d+) kB", STATUS.read_text())[1]) * 1024

def images(n, shape, dtype):
    X = np.empty((n, *shape), dtype)
    for row in range(n):
        X[row] = rng.integers(0, 256, shape, dtype=np.uint8)
    return X

def warm_up():  # libraries take what they need once
    X, y = images(40, (8, 8), np.uint8), np.repeat([0, 1], [30, 10])
    for form in (X, X.astype(np.float32), X.astype(np.uint16)):
        SMOTE().fit_resample(form, y)
    RandomOverSampler(shrinkage=1.0).fit_resample(X, y)

from sklearn.cluster import MiniBatchKMeans
FEW = MiniBatchKMeans(n_init=1)

def small(block):
    return block[:, ::16, ::16, 0].reshape(len(block), -1).astype(float)

def peak_of(call):
    before = rss("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    result = call()
    print(rss("VmHWM") - before, result[0].nbytes)
"""


SERVE = """
import io, json, os, traceback
from contextlib import redirect_stdout

for line in sys.stdin:
    script, sys.argv[1:] = json.loads(line)
    child = os.fork()
    if child == 0:
        told, error = io.StringIO(), ""
        try:
            with redirect_stdout(told):
                exec(script, dict(globals()))
        except BaseException:
            error = traceback.format_exc()
        print(json.dumps([told.getvalue(), error]), flush=True)
        os._exit(0)
    if code := os.waitpid(child, 0)[1]:
        print(json.dumps(["", f"ended with {code}"]), flush=True)
"""


@functools.cache
def server():
    """Start a process that has imported everything, and gives each script a copy of itself."""
    command = [sys.executable, "-c", MEASURE + SERVE]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)
    return process


def run(script, *arguments):
    process = server()
    request = [textwrap.dedent(script), [*map(str, arguments)]]
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    told, error = json.loads(process.stdout.readline())
    assert not error, error
    return [float(word) for word in told.split()]


SAMPLERS = {
    "SMOTE": "SMOTE(random_state=0)",
    "RandomOverSampler": "RandomOverSampler(random_state=0)",
    "noise": "RandomOverSampler(random_state=0, shrinkage=0.1)",
    "RandomUnderSampler": "RandomUnderSampler(random_state=0)",
    "borderline": "BorderlineSMOTE(random_state=0, kind='borderline-2')",
    "adasyn": "ADASYN(random_state=0)",
    "cleaning": "EditedNearestNeighbours(kind_sel='mode', embedding=small)",
    "augment": "RandomOverSampler(random_state=0, synthesis=Augment())",
    "transfer": "RandomOverSampler(random_state=0, synthesis=TransferDeformation())",
    "cleaned": "SMOTETomek(random_state=0, synthesis=Augment(), embedding=small)",
    "wrapped": "ImageSampler(theirs.SMOTE(random_state=0), synthesis=Augment(), embedding=small)",
    "averages": "ClusterCentroids(sampling_strategy={0: 40}, estimator=FEW, embedding=small)",
}
ORDERS = {
    "C": "",
    "F": "X = np.asfortranarray(X)",
    "channels first": "X = np.ascontiguousarray(X.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)",
    "reversed": "X = X[:, ::-1]",
    "part": "X = X[:, :60, :60]",
}


@linux
@pytest.mark.parametrize(
    ("sampler", "dtype", "order"),
    [
        *(("SMOTE", dtype, "C") for dtype in ("uint8", "uint16", "float32")),
        *(("SMOTE", "uint8", order) for order in ORDERS if order != "C"),
        ("RandomOverSampler", "uint8", "C"),
        ("RandomOverSampler", "float32", "F"),
        ("noise", "uint8", "C"),
        ("noise", "float32", "C"),
        ("noise", "uint8", "F"),
        ("noise", "uint8", "part"),
        ("RandomUnderSampler", "uint8", "C"),
        ("RandomUnderSampler", "uint16", "F"),
        ("borderline", "uint8", "C"),
        ("adasyn", "uint8", "C"),
        ("cleaning", "uint8", "C"),
        ("averages", "uint8", "C"),
        ("augment", "uint8", "C"),
        ("transfer", "uint8", "C"),
        ("cleaned", "uint8", "C"),
        ("wrapped", "uint8", "C"),
    ],
)
def test_the_peak_is_the_output_and_a_constant(sampler, dtype, order):
    # 48 MB are less than a float32 copy of the minority class, or than a copy of X.
    peak, output = run(
        f"""
        X, y = images(4600, (64, 64, 3), np.{dtype}), np.repeat([0, 1], [3200, 1400])
        {ORDERS[order]}
        warm_up()
        peak_of(lambda: {SAMPLERS[sampler]}.fit_resample(X, y))
        """
    )
    assert peak <= output + LIMIT, f"{(peak - output) / 1e6:.0f} MB above the output"


@linux
@pytest.mark.parametrize(
    "sampler",
    [
        *("TomekLinks()", "TomekLinks(embedding=lambda X: X[:, ::4, ::4].reshape(len(X), -1))"),
        *("AllKNN()", "OneSidedSelection(random_state=0)", "SMOTETomek(random_state=0)"),
    ],
)
def test_samplers_that_look_for_neighbours_make_no_floats_of_the_pixels(sampler):
    # 48 MB are less than half of a float64 copy, and less than a matrix of all distances.
    peak, output = run(
        f"""
        X, y = images(4600, (32, 32, 3), np.uint8), np.repeat([0, 1], [3200, 1400])
        X[y == 1] //= 2
        warm_up()
        {sampler}.fit_resample(X[::40, :8, :8], y[::40])
        peak_of(lambda: {sampler}.fit_resample(X, y))
        """
    )
    assert peak <= output + LIMIT, f"{(peak - output) / 1e6:.0f} MB above the output"


@linux
def test_rows_that_somebody_else_has_selected_are_compared_a_few_at_a_time():
    peak, output = run(
        """
        from sklearn.base import BaseEstimator

        class Half(BaseEstimator):
            def fit_resample(self, X, y):
                self.sample_indices_ = np.arange(0, len(X), 2)
                return X[::2], y[::2]

        X, y = images(1800, (20000,), np.float64), np.repeat([0, 1], 900)
        warm_up()
        peak_of(lambda: ImageSampler(Half()).fit_resample(X, y))
        """
    )
    assert peak <= output + LIMIT, f"{(peak - output) / 1e6:.0f} MB above the output"


@linux
def test_images_drawn_into_a_file_need_no_memory_of_their_size(tmp_path):
    (peak,) = run(
        """
        X, y = images(4600, (64, 64, 3), np.uint8), np.repeat([0, 1], [3200, 1400])
        warm_up()
        from imblearn_images import ResamplingPlan
        rows = rng.integers(0, 4600, 9000)
        plan = ResamplingPlan(rows, rows[::-1, None], rng.random((9000, 1)), y[rows], 4600)
        out = np.memmap(sys.argv[1], np.uint8, "w+", shape=(9000, 64, 64, 3))
        peak, done = [0], threading.Event()
        before = rss("RssAnon")
        def watch():
            while not done.is_set():
                peak[0] = max(peak[0], rss("RssAnon") - before)
                time.sleep(0.002)
        watcher = threading.Thread(target=watch)
        watcher.start()
        render(plan, X, out)
        done.set()
        watcher.join()
        print(peak[0])
        """,
        tmp_path / "out.bin",
    )
    assert peak <= LIMIT, f"{peak / 1e6:.0f} MB"


@linux
def test_large_photos_in_files_are_not_all_in_memory(tmp_path):
    (peak,) = run(
        """
        from PIL import Image
        folder = Path(sys.argv[1])
        ramp = np.linspace(0, 255, 1400).astype(np.uint8)
        paths, y = [], ["cat"] * 26 + ["owl"] * 14
        for row in range(40):
            photo = np.empty((1400, 1400, 3), np.uint8)
            photo[..., 0], photo[..., 1], photo[..., 2] = ramp, ramp[:, None], rng.integers(0, 256)
            Image.fromarray(photo).save(folder / f"{row}.png", compress_level=1)
            paths.append(str(folder / f"{row}.png"))
        smote = SMOTE(k_neighbors=2, random_state=0, output_dir=folder / "out")
        SMOTE(k_neighbors=1, output_dir=folder / "warm").fit_resample(
            paths[:3] + paths[-2:], ["cat"] * 3 + ["owl"] * 2
        )
        del photo
        peak, done = [0], threading.Event()
        before = rss("RssAnon")
        def watch():
            while not done.is_set():
                peak[0] = max(peak[0], rss("RssAnon") - before)
                time.sleep(0.002)
        watcher = threading.Thread(target=watch)
        watcher.start()
        smote.fit_resample(paths, y)
        done.set()
        watcher.join()
        print(peak[0])
        """,
        tmp_path,
    )
    assert peak <= LIMIT, f"{peak / 1e6:.0f} MB"


@linux
def test_an_ensemble_needs_a_subset_at_a_time():
    peak, subset = run(
        """
        from sklearn.tree import DecisionTreeClassifier
        X, y = images(9000, (64, 64, 3), np.uint8), np.repeat([0, 1], [8400, 600])
        warm_up()
        from sklearn.base import BaseEstimator, ClassifierMixin
        class Light(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.classes_ = np.unique(y)
                return self
            def predict(self, X):
                return np.zeros(len(X), dtype=int)
        def fit():
            EasyEnsembleClassifier(4, Light(), random_state=0).fit(X, y)
            return [np.empty((1200, 64, 64, 3), np.uint8)]
        peak_of(fit)
        """
    )
    assert peak <= subset + LIMIT, f"{(peak - subset) / 1e6:.0f} MB above one subset"


# --- refused before it is tried

Y = make_labels()
ENORMOUS = np.broadcast_to(np.zeros(1, np.uint8), (len(Y), 60_000, 60_000, 3))


LARGE = (600, 600)  # 8.6 MB of them: less than a few MB is never asked about


@pytest.mark.parametrize(
    "sampler",
    [RandomOverSampler(), RandomOverSampler(shrinkage=1.0), RandomUnderSampler()],
    ids=repr,
)
def test_an_output_that_cannot_fit_is_refused_before_it_is_allocated(sampler, monkeypatch):
    X = make_images(len(Y), LARGE, "uint8")
    n_out = 15 if isinstance(sampler, RandomUnderSampler) else 36
    monkeypatch.setattr(memory, "available_memory", lambda: n_out * 360_000 - 1)
    with pytest.raises(MemoryError) as error:
        sampler.fit_resample(X, Y)
    message = str(error.value)
    assert f"{n_out * 0.36:.1f} MB" in message and f"({n_out}, " in message
    assert "sampling_strategy=" in message and "np.memmap" in message
    monkeypatch.setattr(memory, "available_memory", lambda: n_out * 360_000)
    sampler.fit_resample(X, Y)
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    sampler.fit_resample(X, Y)


def test_smote_and_render_are_refused_too(monkeypatch):
    X = make_images(len(Y), LARGE, "uint8")
    smote = SMOTE(k_neighbors=2, random_state=0)
    expected, _ = smote.fit_resample(X, Y)
    monkeypatch.setattr(memory, "available_memory", lambda: expected.nbytes - 1)
    for call in (lambda: smote.fit_resample(X, Y), lambda: render(smote.plan_, X)):
        with pytest.raises(MemoryError, match="uint8 needs"):
            call()
    out = np.empty_like(expected)
    np.testing.assert_array_equal(render(smote.plan_, X, out), expected)


def test_terabytes_are_refused_at_once():
    with pytest.raises(MemoryError, match="B of memory are available"):
        RandomOverSampler().fit_resample(ENORMOUS, Y)


def test_paths_need_no_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "available_memory", lambda: 0)
    paths = write_images(tmp_path, make_images(len(Y), (6, 5), "uint8"))
    RandomOverSampler().fit_resample(paths, Y)
    SMOTE(k_neighbors=2, output_dir=tmp_path / "out").fit_resample(paths, Y)


def test_an_ensemble_on_files_that_cannot_fit_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    paths = write_images(tmp_path, make_images(len(Y), LARGE, "uint8"))
    with pytest.raises(MemoryError, match=r"needs .* 1.0 MB of memory"):
        EasyEnsembleClassifier(2).fit(paths, Y)


@linux
def test_a_limit_on_the_address_space_is_known():
    words = run(
        """
        import resource
        X, y = images(2000, (64, 64, 3), np.uint8), np.repeat([0, 1], [1900, 100])
        warm_up()
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (size + 30_000_000, hard))
        try:
            RandomOverSampler(random_state=0).fit_resample(X, y)
        except MemoryError as error:
            assert "needs 46.7 MB" in str(error) and "available" in str(error), error
            print(1)
        resource.setrlimit(resource.RLIMIT_AS, (size + 300_000_000, hard))
        RandomOverSampler(random_state=0).fit_resample(X, y)
        print(2)
        """
    )
    assert words == [1, 2]


def test_what_is_available_is_a_number_of_bytes():
    available = memory.available_memory()
    assert available is None or (isinstance(available, int) and available > 1e6)


@pytest.mark.parametrize(
    ("sampler", "what"),
    [
        (InstanceHardnessThreshold(), r"float32 copy of the pixels, shape \(1200, 3072\)"),
        (SVMSMOTE(), r"float64 copy of the pixels, shape \(1200, 3072\)"),
        (BalancedRandomForestClassifier(), r"float32 copy of the pixels"),
    ],
    ids=str,
)
def test_what_an_algorithm_on_pixels_needs_is_refused_before_it_is_made(sampler, what, monkeypatch):
    X, y = make_images(1200, (32, 32, 3), "uint8"), np.repeat([0, 1], [900, 300])
    monkeypatch.setattr(memory, "available_memory", lambda: int(1e7))
    call = sampler.fit if hasattr(sampler, "predict") else sampler.fit_resample
    with pytest.raises(MemoryError, match=what):
        call(X, y)
