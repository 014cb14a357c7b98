"""Blocks: a plan drawn in pieces, anywhere, is the plan drawn at once."""

import errno
import os
import pickle
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
import pytest
from conftest import HOLDERS, Negatives, make_images, make_labels, read_images, write_images
from folder_tools import contents, write_photos
from imblearn.pipeline import make_pipeline
from joblib._parallel_backends import MultiprocessingBackend
from joblib.externals.loky.process_executor import TerminatedWorkerError

from imblearn_images import (
    SMOTE,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
    ResamplingPlan,
    SMOTETomek,
    plan_blocks,
    render,
    render_block,
    render_files,
    worker_timeout,
)
from imblearn_images.core import disk, parallel, rendering, writing
from imblearn_images.datasets import load_image_folder
from imblearn_images.folders import _writing, balance_folder
from imblearn_images.images import ItemImages
from imblearn_images.synthesis import Augment, Chain, CutMix, OneOf, TransferDeformation

Y = make_labels()
SAMPLERS = {
    "SMOTE": SMOTE(k_neighbors=2, random_state=0),
    "augment": RandomOverSampler(random_state=0, synthesis=Augment(noise=0.01)),
    "transfer": SMOTE(k_neighbors=2, random_state=0, synthesis=TransferDeformation()),
    "selection": RandomUnderSampler(random_state=0),
    "cleaned": SMOTETomek(smote=SMOTE(k_neighbors=2), random_state=0),
    "two steps": make_pipeline(
        SMOTE(k_neighbors=2, random_state=0), RedrawImages(Augment(), random_state=0)
    ),
}


def planned(sampler, X, y=Y):
    X_res, _ = sampler.fit_resample(X, y)
    return getattr(sampler, "plan_", None) or ResamplingPlan.of_pipeline(sampler), X_res


@pytest.mark.parametrize("kind", ["array", "fortran", "memmap", "home"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_blocks_that_were_sent_away_draw_what_is_drawn_at_once(name, kind, tmp_path):
    X = HOLDERS[kind](make_images(len(Y), (9, 7, 3), "uint8"), tmp_path)
    plan, expected = planned(SAMPLERS[name], X)
    for rows in (1, 5, 64):
        blocks = [pickle.loads(pickle.dumps(block)) for block in plan_blocks(plan, X, rows=rows)]
        drawn = [image for block in blocks for image in block.draw()]
        np.testing.assert_array_equal(np.stack(drawn), expected)


def test_a_block_carries_its_own_parents_alone(tmp_path):
    X, y = np.zeros((5000, 8, 8), np.uint8), np.repeat(["cat", "dog"], [4000, 1000])
    plan = ResamplingPlan.selection(np.arange(4990, 5000), y)
    (block,) = plan_blocks(plan, X)
    (of_files,) = plan_blocks(plan, [f"{tmp_path}/{row}.png" for row in range(5000)])
    assert len(pickle.dumps(block)) < 5000 and len(pickle.dumps(of_files)) < 5000
    there = pickle.loads(pickle.dumps(of_files))
    assert there.name_of(0) == f"{tmp_path}/4990.png" and repr(there).startswith(
        "Block(rows 0 to 9"
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool", "float32"])
def test_files_of_blocks_are_the_images(dtype, tmp_path):
    X = make_images(len(Y), (9, 7), dtype)
    plan, expected = planned(SMOTE(k_neighbors=2, random_state=0), X)
    paths = render_files(plan, X, tmp_path / "all", rows=7, n_jobs=2)
    np.testing.assert_array_equal(read_images(paths), expected)
    assert sorted(os.listdir(tmp_path / "all")) == [os.path.basename(path) for path in paths]


def test_what_is_there_is_not_drawn_again(tmp_path):
    paths = write_images(tmp_path, make_images(len(Y), (9, 7, 3), "uint8"))
    sampler = RandomOverSampler(random_state=0, synthesis=Augment(), output_dir=tmp_path / "new")
    sampler.fit_resample(paths, Y)
    new = sampler.plan_[sampler.plan_.synthetic]
    first = render_files(new, paths, tmp_path / "out", rows=4)
    before = contents(tmp_path / "out")
    kept, gone, empty = first[:3]
    os.unlink(gone)
    Path(empty).write_bytes(b"")  # as a power cut may leave it
    Path(kept).write_bytes(b"as it is")  # nobody looks inside
    assert render_files(new, paths, tmp_path / "out", rows=3) == first
    assert Path(kept).read_bytes() == b"as it is"
    for path in (gone, empty):
        assert contents(tmp_path / "out")[Path(path).name] == before[Path(path).name]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX says whether a process runs")
@pytest.mark.parametrize("by", ["render_files", "output_dir"])
def test_partial_files_of_workers_that_were_killed_are_removed_and_no_others(by, tmp_path):
    X = make_images(len(Y), (9, 7), "uint8")
    plan, _ = planned(SAMPLERS["SMOTE"], X)
    (tmp_path / "source").mkdir()
    paths = write_images(tmp_path / "source", X)

    def again(folder):
        if by == "render_files":
            render_files(plan, X, folder)
        else:
            SMOTE(k_neighbors=2, random_state=0, output_dir=folder).fit_resample(paths, Y)

    begun = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with disk.written_whole(tmp_path / "drawn.png"):
                os.write(begun[1], b"x")
                signal.pause()
        finally:
            os._exit(1)
    os.read(begun[0], 1)
    names = {"of a worker": next(tmp_path.glob(".*.partial")).name}
    names["of this process"] = os.path.basename(disk.partial_name("drawn.png"))
    names["of another machine"] = f".{'0' * 32}.partial"
    names["of a person"] = ".notes.partial"
    for name in names.values():
        (tmp_path / name).touch()
    again(tmp_path)
    assert {path.name for path in tmp_path.glob(".*")} == set(names.values())
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    again(tmp_path)
    kept = {names[what] for what in names if what != "of a worker"}
    assert {path.name for path in tmp_path.glob(".*")} == kept
    os.utime(tmp_path / names["of another machine"], (0, 0))
    again(tmp_path)
    kept -= {names["of another machine"]}
    assert {path.name for path in tmp_path.glob(".*")} == kept


def test_other_seeds_and_parents_have_other_names(tmp_path):
    X = make_images(len(Y), (9, 7, 3), "uint8")
    names = set()
    for seed in range(3):
        sampler = RandomOverSampler(random_state=seed, synthesis=Augment())
        plan, _ = planned(sampler, X)
        new = plan[plan.synthetic]
        for block in plan_blocks(new, X):
            names |= {Path(path).name for path in render_block(block, tmp_path)}
    assert len(names) == 3 * len(new)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"rows": 0}, ValueError, "`rows` must be a number of rows, 1 or more, got 0"),
        ({"rows": 2.5}, ValueError, "got 2.5"),
        ({"timeout": 0}, ValueError, "`timeout` must be a number of seconds above 0, or None"),
        ({"X": np.zeros((3, 4, 4), np.uint8)}, ValueError, "drawn for 24 images, got 3"),
        ({"plan": "plan"}, TypeError, "`plan` must be a ResamplingPlan"),
        ({"X": np.zeros((24, 4, 4), complex)}, ValueError, "PNG and TIFF"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, error, words, tmp_path):
    given = {
        "plan": ResamplingPlan.selection(np.arange(24), Y),
        "X": np.zeros((24, 4, 4), np.uint8),
        "folder": tmp_path / "out",
    }
    with pytest.raises(error, match=words):
        render_files(**given | change)


def test_an_address_is_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, there = make_images(len(Y), (9, 7, 3), "uint8"), "s3://bucket/new"
    plan = ResamplingPlan.selection(np.arange(24), Y)
    paths = write_images(tmp_path, X)
    for name, write in {
        "output_dir": lambda: SMOTE(output_dir=there, k_neighbors=2).fit_resample(paths, Y),
        "folder": lambda: render_files(plan, X, there),
        "output": lambda: balance_folder(tmp_path, there),
    }.items():
        with pytest.raises(ValueError, match=f"`{name}` must be a folder .* got the address 's3:"):
            write()
    with pytest.raises(ValueError, match="`folder` must be"):
        render_block(next(plan_blocks(plan, X)), there)
    assert not (tmp_path / "s3:").exists()


# --- in other processes


class Deadly(Augment):
    """A synthesis that ends the first process it is drawn in, or all, unless it is its own."""

    def __init__(self, flag="", always=False):
        super().__init__()
        self.flag, self.always, self.home = flag, always, os.getpid()

    def draw(self, base, partners, weights, rngs):
        if os.getpid() != self.home and (self.always or not os.path.exists(self.flag)):
            Path(self.flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().draw(base, partners, weights, rngs)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_processes_draw_the_same_files_and_may_end(tmp_path):
    paths = write_images(tmp_path, make_images(len(Y), (9, 7, 3), "uint8"))
    write_photos(tmp_path / "photos", {"cat": 9, "dog": 4})
    found = {}
    for backend in ("threading", "loky"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            out = tmp_path / backend
            smote = SMOTE(k_neighbors=2, random_state=0, output_dir=out / "smote")
            smote.fit_resample(paths, Y)
            balance_folder(
                tmp_path / "photos",
                out / "folder",
                sampler=RandomOverSampler(synthesis=Augment()),
                random_state=0,
            )
            found[backend] = contents(out)
    assert found["loky"] == found["threading"] and len(found["loky"]) > 20
    assert parallel.works_in_threads()
    with (
        joblib.parallel_config(backend="loky", n_jobs=2),
        pytest.raises(FileNotFoundError, match=r"no/such\.png"),
    ):
        render_files(smote.plan_, ["no/such.png"] * len(Y), tmp_path / "error", rows=9)

    mortal = RandomOverSampler(synthesis=Deadly(str(tmp_path / "flag")), random_state=0)
    plan, expected = planned(mortal, np.stack(read_images(paths)))
    with joblib.parallel_config(backend="loky", n_jobs=2):
        drawn = render_files(plan, paths, tmp_path / "once", rows=9)
        np.testing.assert_array_equal(read_images(drawn), expected)


def test_what_is_lost_with_two_workers_is_named_and_drawn_by_the_same_call(tmp_path, monkeypatch):
    """As above, but for the workers, each of which takes seconds to start: joblib says it here."""
    X = make_images(len(Y), (9, 7, 3), "uint8")
    plan, expected = planned(SAMPLERS["augment"], X)
    tries = []

    def end_a_worker(function, tasks, left, results, done, *_, **options):
        tries.append(list(left))
        for at in left[: 2 - len(tries)]:  # the first time one block comes back before
            results[at] = function(tasks[at])
            done(tasks[at])
        raise TerminatedWorkerError("A worker process managed by the executor was terminated.")

    with monkeypatch.context() as patch, joblib.parallel_config(backend="loky", n_jobs=2):
        patch.setattr(parallel, "_collect", end_a_worker)
        with pytest.raises(RuntimeError, match=r"^Rows 9 to 17 and \d more of \d tasks came back"):
            render_files(plan, X, tmp_path / "lost", rows=9)
    assert len(tries) == 2 and tries[1] == tries[0][1:]
    assert len(os.listdir(tmp_path / "lost")) == 9
    whole = render_files(plan, X, tmp_path / "lost", rows=9)
    np.testing.assert_array_equal(read_images(whole), expected)


@pytest.fixture
def sent(monkeypatch):
    """Any work is enough for other processes, in blocks of a few rows; the blocks sent there."""
    starts = []

    def in_workers(function, tasks, **options):
        starts.append(list(tasks))
        return parallel.in_workers(function, tasks, **options)

    monkeypatch.setattr(rendering, "FAR", 0)
    monkeypatch.setattr(rendering, "MESSAGE", 3000)
    monkeypatch.setattr(rendering, "in_workers", in_workers)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        yield starts


class Slices:
    """Takes blocks of rows, as zarr and h5py do, and keeps them as they are."""

    def __init__(self, shape, dtype):
        self.shape, self.dtype, self.blocks = shape, dtype, {}

    def __setitem__(self, rows, block):
        self.blocks[rows.start] = block

    def __getitem__(self, rows):
        return np.concatenate([self.blocks[start] for start in sorted(self.blocks)])[rows]


@pytest.mark.parametrize("scratch", [True, False], ids=["shared memory", "no shared memory"])
def test_processes_draw_into_memory_what_is_drawn_here(sent, scratch, tmp_path, monkeypatch):
    if not scratch:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    X = make_images(len(Y), (9, 7, 3), "uint8")
    paths = write_images(tmp_path, X)
    for name in ("augment", "transfer", "two steps"):
        plan, expected = planned(SAMPLERS[name], X)  # fit_resample, in processes too
        n_calls = len(sent)
        assert n_calls > 0 and all(len(starts) > 1 for starts in sent)
        with joblib.parallel_config(backend="threading"):
            np.testing.assert_array_equal(render(plan, X, n_jobs=2), expected)
            np.testing.assert_array_equal(render(plan, X, n_jobs=1), expected)
        assert len(sent) == n_calls
        memmap = np.memmap(tmp_path / "out", X.dtype, "w+", shape=expected.shape)
        fortran = np.empty(expected.shape, X.dtype, order="F")
        for out in (memmap, fortran, Slices(expected.shape, X.dtype)):
            assert render(plan, X, out) is out
            np.testing.assert_array_equal(out[:], expected)
        for held in (HOLDERS["memmap"](X, tmp_path), HOLDERS["fortran"](X, tmp_path), paths):
            np.testing.assert_array_equal(render(plan, held), expected)
        home = Negatives(X)
        np.testing.assert_array_equal(render(plan, home), planned(SAMPLERS[name], home)[1])
        assert len(sent) > n_calls + 7


def test_light_work_is_not_sent(sent, monkeypatch):
    X = make_images(len(Y), (9, 7, 3), "uint8")
    for sampler in (
        SMOTE(k_neighbors=2),
        RandomOverSampler(),
        RandomOverSampler(synthesis=CutMix()),
    ):
        sampler.fit_resample(X, Y)
    assert not sent
    plan, expected = planned(SAMPLERS["augment"], X)
    (starts,) = sent
    originals = int((~plan.synthetic).sum())
    assert min(starts) > originals - 10  # copies stay here, but for a block of both
    monkeypatch.setattr(rendering, "FAR", 1 << 28)
    np.testing.assert_array_equal(render(plan, X), expected)
    monkeypatch.setattr(rendering, "FAR", 0)
    # Would be sent again and again.
    heavy = RandomOverSampler(synthesis=_Heavy(noise=0.01), random_state=0)
    np.testing.assert_array_equal(planned(heavy, X)[1], expected)
    assert len(sent) == 1


def test_the_work_of_a_plan_is_that_of_all_its_steps(sent):
    X = make_images(len(Y), (9, 7, 3), "uint8")
    first = RandomOverSampler(random_state=0, synthesis=Chain([Augment(), TransferDeformation()]))
    both = make_pipeline(first, RandomUnderSampler(random_state=0, sampling_strategy={"dog": 5}))
    with joblib.parallel_config(backend="threading"):
        plan, expected = planned(both, X)
    drawn = first.plan_.synthetic[plan.base]
    work = rendering._efforts(plan)
    assert (work[drawn] == 1 + 20 + 35).all() and (work[~drawn] == 1 + 1).all()
    np.testing.assert_array_equal(render(plan, X), expected)
    assert len(sent) == 1  # although the last step copies
    half = OneOf(["copy", Chain([Augment(), TransferDeformation()])])
    assert half.effort == (1 + 55) / 2 and half.at_once == TransferDeformation().at_once


class _Heavy(Augment):
    def __getstate__(self):
        return super().__getstate__() | {"network": np.zeros(10_000)}


class _Stuck(Augment):
    def __reduce__(self):
        raise IndexError("out of range")


def test_errors_of_drawing_in_processes(sent, monkeypatch):
    X = make_images(len(Y), (9, 7, 3), "uint8")
    over = RandomOverSampler(random_state=0, synthesis=_Stuck())
    with pytest.raises(TypeError, match=r"cannot be sent to another process: IndexError: out of"):
        over.fit_resample(X, Y)
    with joblib.parallel_config(backend="threading"):
        plan, expected = planned(SAMPLERS["augment"], X)

    def end_workers(function, tasks, left, results, done, *_, **options):
        raise TerminatedWorkerError("A worker process managed by the executor was terminated.")

    with monkeypatch.context() as patch:
        patch.setattr(parallel, "_collect", end_workers)
        with pytest.raises(RuntimeError, match=r"^Rows \d+ to \d+ and \d+ more of \d+ tasks came"):
            render(plan, X)
    np.testing.assert_array_equal(render(plan, X), expected)


@pytest.mark.parametrize("backend", ["multiprocessing", "threading"])
def test_errors_of_reading_and_writing_are_told_as_they_are(backend, sent):
    X = make_images(len(Y), (9, 7, 3), "uint8")
    with joblib.parallel_config(backend="threading"):
        plan, expected = planned(SAMPLERS["augment"], X)
    rotten = ItemImages([*X[:-1], X[-1, :4]], shape=X.shape[1:])
    rows = np.flatnonzero(plan.synthetic)
    plan.base[rows[-3:]] = len(X) - 1
    with joblib.parallel_config(backend=backend, n_jobs=2):
        with pytest.raises(ValueError, match=f"row {len(X) - 1}"):
            render(plan, rotten)
        with pytest.raises(OSError, match="No space left") as error:
            render(plan, X, Full(expected.shape, X.dtype))
    assert error.value.errno == errno.ENOSPC


class Full(Slices):
    """Has no room."""

    def __setitem__(self, rows, block):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("piecemeal", [True, False], ids=["one by one", "at the end"])
def test_nothing_is_sent_after_an_error(piecemeal, monkeypatch):
    monkeypatch.setattr(MultiprocessingBackend, "supports_return_generator", piecemeal)
    sent = []

    def send(task):
        sent.append(task)
        return task

    def refuse(task, result):
        raise KeyError(task)

    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        with pytest.raises(KeyError) as error:
            parallel.in_workers(_slow, [0.001] * 300, what=repr, send=send, keep=refuse)
        n_sent = len(sent)
        assert n_sent < 300 or not piecemeal
        # the error, still held, keeps nothing going
        assert parallel.in_workers(_slow, [0.05] * 4, what=repr) == [0.05] * 4
    assert len(sent) == n_sent and error.value.args == (0.001,)


def test_what_is_drawn_is_read_where_its_own_errand_put_it(sent, monkeypatch):
    """A block that was sent twice has two slots, of which one may hold anything."""
    X = make_images(len(Y), (9, 7, 3), "uint8")
    with joblib.parallel_config(backend="threading"):
        plan, expected = planned(SAMPLERS["augment"], X)
    collect = parallel._collect

    def twice(function, tasks, left, results, done, progress, send, keep, **options):
        def again(task):
            errand, _ = send(task), send(task)
            return errand

        collect(function, tasks, left, results, done, progress, again, keep, **options)

    monkeypatch.setattr(parallel, "_collect", twice)
    np.testing.assert_array_equal(render(plan, X), expected)
    assert len(sent[-1]) > 2


def test_every_process_has_a_block_however_large_the_chunks_of_a_store(sent, monkeypatch):
    X = make_images(len(Y), (9, 7, 3), "uint8")
    with joblib.parallel_config(backend="threading"):
        plan, expected = planned(SAMPLERS["augment"], X)
    monkeypatch.setattr(rendering, "UNSAVED", 1)
    np.testing.assert_array_equal(render(plan, X, Slices(expected.shape, X.dtype))[:], expected)
    assert {len(starts) for starts in sent[:-1]} == {2}


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="has no memory without a name")
@pytest.mark.parametrize("call", ["memfd_create", "ftruncate"])
def test_where_memory_cannot_be_shared_there_is_no_slot(call, sent, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EFBIG, "File too large")

    n_open = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with parallel.Scratch(2, 100) as scratch:
            assert scratch.slot() is None
    assert len(os.listdir("/proc/self/fd")) == n_open
    with parallel.Scratch(3, parallel.SHARED // 2) as scratch:  # untouched memory is not used
        assert [scratch.slot() is None for _ in range(3)] == [False, False, True]
    with parallel.Scratch(1, parallel.SHARED + 1) as scratch:
        assert scratch.slot() is None


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="has no memory without a name")
def test_slots_are_shared_and_given_back(sent, tmp_path):
    with parallel.Scratch(2, 100) as scratch:
        first, second = scratch.slot(), scratch.slot()
        assert scratch.slot() is None
        there = pickle.loads(pickle.dumps(first))
        there.memory[:3], second.memory[:3] = b"abc", b"xyz"
        assert (first.memory[:3], second.memory[:3]) == (b"abc", b"xyz")
        scratch.free(first)
        assert scratch.slot() is first
        late = pickle.loads(pickle.dumps(first))
    with pytest.raises(FileNotFoundError):
        _ = late.memory
    photo = os.open(tmp_path / "photo", os.O_CREAT | os.O_RDWR)
    os.dup2(photo, scratch.file)  # a file has the number that the memory had
    try:
        with pytest.raises(FileNotFoundError, match="given back"):
            _ = late.memory
    finally:
        for number in {photo, scratch.file}:
            os.close(number)
    with joblib.parallel_config(backend="threading"), parallel.Scratch(2, 100) as scratch:
        assert scratch.slot() is None  # threads need none, and other machines could not see it


@contextmanager
def on_dask():
    distributed = pytest.importorskip("dask.distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        yield


@contextmanager
def on_ray():
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    path = os.pathsep.join(filter(None, sys.path))
    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": path}})
    register_ray()
    try:
        with joblib.parallel_config(backend="ray", n_jobs=2):
            yield
    finally:
        ray.shutdown()


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.filterwarnings("default")  # of dask and ray themselves, and of workers that end
@pytest.mark.parametrize("cluster", [on_dask, on_ray])
def test_workers_of_a_cluster_that_always_end_are_an_error(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    paths = write_images(tmp_path, make_images(len(Y), (9, 7, 3), "uint8"))
    sampler = RandomOverSampler(
        synthesis=Deadly(str(tmp_path / "flag"), always=True),
        random_state=0,
        output_dir=tmp_path / "out",
    )
    # An engine alone would wait for ever. That the call ends says that the limit is kept, which
    # on a machine at rest takes 20 s: no test asserts a time.
    ends = pytest.raises((TimeoutError, RuntimeError), match=r"^Rows? \d+")
    with cluster(), worker_timeout(20), ends:
        sampler.fit_resample(paths, Y)
    assert not os.listdir(tmp_path / "out")
    X_res, _ = sampler.fit_resample(paths, Y)  # here, where nothing ends
    expected = sampler.set_params(output_dir=None).fit_resample(np.stack(read_images(paths)), Y)[0]
    np.testing.assert_array_equal(np.stack(read_images(X_res)), expected)


@pytest.mark.parametrize("module", ["writing", "folders"])
def test_a_worker_with_another_working_directory_finds_what_is_meant(module, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    write_photos(tmp_path / "photos", {"apple": 6, "kiwi": 4}, shape=(20, 20, 3))

    def from_elsewhere(function, tasks, **_):
        sent = [pickle.dumps((function, task)) for task in tasks]
        with monkeypatch.context() as there:
            there.chdir("elsewhere")
            return [called(task) for called, task in map(pickle.loads, sent)]

    if module == "folders":
        monkeypatch.setattr(_writing, "in_workers", from_elsewhere)
        monkeypatch.setattr(_writing, "works_in_threads", lambda: False)
        balance_folder("photos", "out", sampler=SMOTE(k_neighbors=2), random_state=0)
        balance_folder(tmp_path / "photos", "again", sampler=SMOTE(k_neighbors=2), random_state=0)
        assert len(contents("out")) == len(contents("again")) > 10
    else:
        monkeypatch.setattr(writing, "in_workers", from_elsewhere)
        paths, y = load_image_folder("photos")
        sampler = SMOTE(k_neighbors=2, random_state=0, output_dir="written")
        X_res, _ = sampler.fit_resample(paths, y)
        drawn = render_files(sampler.plan_, paths, "drawn")
        np.testing.assert_array_equal(read_images(drawn), read_images(X_res))
        assert {os.path.dirname(path) for path in drawn} == {"drawn"}
    assert not os.listdir("elsewhere")


def test_what_a_worker_takes_too_long_for_is_named(tmp_path):
    with (
        joblib.parallel_config(backend="loky", n_jobs=2),
        pytest.raises(
            TimeoutError, match=r"^Task .*nothing came back .* for 0.5 s; they are slower"
        ),
        worker_timeout(0.5),
    ):
        parallel.in_workers(_slow, [0, 40], what="Task {}".format)


class _NotPicklable:
    def __reduce__(self):
        raise IndexError("out of range")


def test_what_cannot_be_sent_is_an_error_at_once():
    with (
        joblib.parallel_config(backend="loky", n_jobs=2),
        pytest.raises(TypeError, match=r"cannot be sent to another process: IndexError: out of"),
    ):
        parallel.in_workers(len, ["a", _NotPicklable()], what=repr)


@pytest.mark.parametrize("seconds", [0, -1, "soon", True])
def test_a_timeout_is_a_number_of_seconds(seconds):
    with pytest.raises(ValueError, match="`seconds` must be a number"), worker_timeout(seconds):
        pass


def _slow(seconds):
    from threading import Event

    Event().wait(seconds)
    return seconds
