"""Faults: killed at any point, full disks, limits, no permission. Whole or absent, resumable."""

import errno
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from folder_tools import contents, snapshot, write_photos
from forked import run_python
from PIL import Image

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images._cli.main import main
from imblearn_images.folders import balance_folder, verify_folder
from imblearn_images.folders._output import UNFINISHED, WORKSHOP

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mechanisms of Linux")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
BALANCE = ("-m", "imblearn_images", "balance")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.fixture
def photos(tmp_path):
    source = write_photos(tmp_path / "photos", {"apple": 9, "kiwi": 5}, shape=(40, 30, 3))
    before = snapshot(source)
    yield source
    assert snapshot(source) == before


def whole_files(folder):
    """Files under a final name."""
    return {
        name.replace(f"{UNFINISHED}/", "/"): content
        for name, content in contents(folder).items()
        if not name.startswith(WORKSHOP) and not name.endswith(".partial")
    }


def check_unfinished(folder, unbroken):
    """Everything that is there is as it will be, and nobody takes it for finished."""
    found = whole_files(folder)
    assert found.items() <= unbroken.items()
    assert not {"manifest.jsonl", "manifest.parquet"} & set(found)
    # torchvision and Keras read what they are pointed at: "train" is not there before it is whole
    sides = {name.partition("/")[0] for name in contents(folder) if "/" in name}
    for side in {side for side in sides if not side.endswith(UNFINISHED)}:
        assert {name for name in unbroken if name.startswith(f"{side}/")} <= set(found)
    return found


def mechanism(*command):
    """Skip where a command, or what it needs, is missing."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")


def run(*arguments, **options):
    done = run_python(*arguments, **options)
    assert "Traceback" not in done.stderr, done.stderr
    return done


# --- killed

KILLER = """
import os, signal, sys
from functools import partial
from pathlib import Path
from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images.core import files
from imblearn_images.folders import balance_folder
sys.path.insert(0, "tests")
from folder_tools import read_manifest
from test_faults import check_unfinished, contents, whole_files

source, home, *cases = sys.argv[1:]
write_image, drawn = files.write_image, []
files.write_image = lambda *args, **how: (drawn.append(args), write_image(*args, **how))

def killed_at(when, balance):
    child = os.fork()
    if child == 0:
        left = [when]
        def deadly(function):
            def call(*args, **kwargs):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **kwargs)
            return call
        for name in ("fsync", "replace", "link", "symlink", "mkdir", "unlink", "rmdir", "open"):
            setattr(os, name, deadly(getattr(os, name)))
        try:
            balance()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

for case in cases:  # in one process: it takes longer to start than to be killed
    sampler, link, manifest = case.split()
    sampler = {"smote": SMOTE(k_neighbors=1), "over": RandomOverSampler()}[sampler]
    how = {"sampler": sampler, "link": link, "layout": "csv", "manifest": manifest}
    balance = partial(balance_folder, source, **how)
    work = f"{home}/{case}"
    balance(work + "/unbroken")
    unbroken = contents(work + "/unbroken")
    synthetic = {r.path for r in read_manifest(Path(work, "unbroken")) if r.kind == "synthetic"}
    when, kills = 1, 0
    while killed_at(when, partial(balance, out := f"{work}/out{when}")):
        kills += 1
        if not os.path.exists(f"{out}/manifest.{manifest}"):
            check_unfinished(out, unbroken)
        killed = killed_at(max(1, when // 2), partial(balance, out, resume=True))
        if killed and not os.path.exists(f"{out}/manifest.{manifest}"):
            check_unfinished(out, unbroken)
        missing = synthetic - whole_files(out).keys()
        drawn.clear()
        balance(out, resume=True)
        assert contents(out) == unbroken, (case, when)
        assert len(drawn) == len(missing), (case, when)  # nothing is drawn twice
        when += 1
    assert contents(out) == unbroken
    print(kills)
"""


def test_killed_before_every_single_step_and_resumed(tmp_path):
    source = write_photos(tmp_path / "photos", {"apple": 4, "kiwi": 3}, shape=(40, 30, 3))
    before = snapshot(source)
    # how originals come there and how synthetic images do are steps apart: not every pair
    third = "parquet" if find_spec("pyarrow") else "jsonl"
    cases = ("smote copy jsonl", f"over hard {third}", "over symlink jsonl")
    done = run("-c", KILLER, source, tmp_path, *cases, strict=True)
    assert done.returncode == 0, done.stderr
    kills = [*map(int, done.stdout.split())]
    assert len(kills) == len(cases) and all(n > 40 for n in kills)
    assert snapshot(source) == before


AT_ANY_MOMENT = """
import os, random, signal, sys, time
from imblearn_images._cli.main import main

def start(command):
    child = os.fork()
    if child == 0:
        os._exit(main(command))
    return child

source, home = sys.argv[1:]
start_of_all = time.perf_counter()
os.waitpid(start(["balance", source, home + "/unbroken", "--method", "smote"]), 0)
longest = time.perf_counter() - start_of_all
command = ["balance", source, home + "/out", "--method", "smote", "--resume", "--json"]
wait = random.Random(0)
for _ in range(8):
    child = start(command)
    time.sleep(wait.uniform(0.1, 1) * longest)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
sys.exit(main(command))
"""


def test_killed_at_any_moment_and_resumed(tmp_path):
    source = write_photos(tmp_path / "photos", {"apple": 60, "kiwi": 30}, shape=(60, 50, 3))
    before = snapshot(source)
    done = run("-c", AT_ANY_MOMENT, source, tmp_path)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "out") == contents(tmp_path / "unbroken")
    assert snapshot(source) == before


# A process between fork and exec still bears the command line of these scripts, "popen_loky" and
# all, and may become joblib's resource tracker: only what was started as a worker is killed.
LOKY = """
import os, signal, sys, time
from pathlib import Path
from threading import Thread
import joblib
from imblearn_images import SMOTE
from imblearn_images.folders import balance_folder

WORKER = b"\\0-m\\0joblib.externals.loky.backend.popen_loky"

def kill_one_worker():
    while True:
        for tasks in Path("/proc/self/task").glob("*/children"):
            for child in tasks.read_text().split():
                if WORKER in Path("/proc", child, "cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)
                    print("killed")
                    return
        time.sleep(0.005)

Thread(target=kill_one_worker, daemon=True).start()
with joblib.parallel_config(backend="loky", n_jobs=2):
    balance_folder(*sys.argv[1:], sampler=SMOTE(k_neighbors=2), random_state=0)
"""


def test_a_killed_worker_costs_what_it_had_in_hand(photos, tmp_path):
    balance_folder(photos, tmp_path / "unbroken", sampler=SMOTE(k_neighbors=2), random_state=0)
    # not `run`: what joblib itself says of killed processes, tracebacks of its own, is not ours
    done = run_python("-c", LOKY, photos, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "killed\n"
    assert contents(tmp_path / "out") == contents(tmp_path / "unbroken")


CROSS_VALIDATED = """
import os, signal, sys, time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from imblearn_images._cli.main import main

WORKER = b"\\0-m\\0joblib.externals.loky.backend.popen_loky"

def kill_children():
    while True:
        for tasks in Path("/proc/self/task").glob("*/children"):
            for child in tasks.read_text().split():
                with suppress(OSError):  # gone
                    if WORKER in Path("/proc", child, "cmdline").read_bytes():
                        os.kill(int(child), signal.SIGKILL)
        time.sleep(0.01)

Thread(target=kill_children, daemon=True).start()
sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_process_of_a_cross_validation_is_a_message(photos, tmp_path):
    method = ("--method", "instance-hardness-threshold", "--validation", "0", "--n-jobs", "2")
    arguments = ("balance", photos, tmp_path / "out", *method)
    done = run_python("-c", CROSS_VALIDATED, *arguments)
    assert done.returncode == 1 and "imblearn-images: " in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("link", ["copy", "hard"])
def test_the_disk_has_all_files_before_there_is_a_manifest(photos, tmp_path, monkeypatch, link):
    flushed, fsync = set(), os.fsync

    def note(handle):
        flushed.add(os.readlink(f"/proc/self/fd/{handle}").replace(f"images{UNFINISHED}", "images"))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    out = tmp_path / "out"
    balance_folder(photos, out, sampler=SMOTE(k_neighbors=2), link=link, layout="csv")
    wanted = {path for path in out.rglob("*.png") if link == "copy" or path.stat().st_nlink == 1}
    wanted |= {out / "images", out}
    assert {*map(str, wanted)} <= flushed and len(wanted) > 3
    assert any(name.endswith(".partial") and WORKSHOP in name for name in flushed)  # the manifest


# --- errors of the system, at an exact place


@pytest.mark.parametrize("step", ["fsync", "replace", "link", "open"])
@pytest.mark.parametrize("when", [1, 2, 6])
@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO, errno.EMFILE, KeyboardInterrupt])
def test_an_error_leaves_no_partial_file(photos, tmp_path, monkeypatch, step, when, failure):
    link = "hard" if step == "link" else "copy"
    sampler = RandomOverSampler()
    balance_folder(photos, tmp_path / "unbroken", sampler=sampler, link=link)
    original, calls = getattr(os, step), []

    def fail(*args, **kwargs):
        if step == "open" and not os.path.isdir(args[0]):
            return original(*args, **kwargs)  # of sources: these are bad files, and named
        calls.append(args)
        if len(calls) == when:
            raise KeyboardInterrupt if failure is KeyboardInterrupt else OSError(failure, "broken")
        return original(*args, **kwargs)

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        balance_folder(photos, tmp_path / "out", sampler=sampler, link=link)
    monkeypatch.undo()
    if step == "open" and isinstance(caught.value, ValueError):  # a photo that was to be read
        assert "cannot be used" in str(caught.value) and "broken" in str(caught.value)
    elif failure is not KeyboardInterrupt:
        assert caught.value.errno == failure
        if step != "open":  # of folders only, when their names are flushed
            assert str(tmp_path / "out") in str(caught.value.filename)
    check_unfinished(tmp_path / "out", contents(tmp_path / "unbroken"))
    assert not list((tmp_path / "out").rglob("*.partial"))
    balance_folder(photos, tmp_path / "out", sampler=sampler, link=link, resume=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "unbroken")


# --- disks and limits

FULL = """
import json, os, shutil, subprocess, sys
from contextlib import redirect_stderr, redirect_stdout
from itertools import product
from pathlib import Path
from imblearn_images._cli.main import main

work, commands = Path(sys.argv[1]), json.loads(sys.argv[2])
disks = enumerate(["size=96k", "size=8k", "size=50m,nr_inodes=14"])
for (method, arguments), (number, options) in product(commands.items(), disks):
    here = work / method / str(number)
    (out := here / "out").mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", out]).returncode:
        sys.exit(99)
    command = [argument.format(out=out) for argument in arguments]
    codes = []
    for part, more in (("half", []), ("whole", ["--resume"])):
        with open(here / f"{part}.txt", "w") as said, redirect_stderr(said), redirect_stdout(None):
            codes.append(main([*command, *more]))
        shutil.copytree(out, here / part, symlinks=True)
        roomy = "remount,size=50m,nr_inodes=1000"
        subprocess.run(["mount", "-o", roomy, out], check=True)
    subprocess.run(["umount", out], check=True)
    print(*codes)
"""


def test_a_full_disk(photos, tmp_path):
    mechanism("unshare", "-rm", "true")
    options = ["--validation", "0", "--strategy", "multiply 4"]
    ways = {
        "smote": ["--method", "smote", "--k-neighbors", "2", *options],
        "random-over": ["--method", "random-over", *options],
    }
    commands = {name: ["balance", str(photos), "{out}", *how] for name, how in ways.items()}
    # not `run`: only what is started new may have a root and disks of its own
    command = ["unshare", "-rm", sys.executable, "-c", FULL, tmp_path, json.dumps(commands)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode == 99:
        pytest.skip(f"no tmpfs here: {done.stderr}")
    assert done.stdout == "1 0\n" * 6 and "Traceback" not in done.stderr, done.stderr
    for method, arguments in ways.items():
        work = tmp_path / method
        assert main(["balance", str(photos), str(work / "unbroken"), *arguments]) == 0
        unbroken = contents(work / "unbroken")
        for number in range(3):
            message = (work / str(number) / "half.txt").read_text()
            assert message.count("\n") == 1
            assert "No space left" in message or "MB are free" in message
            check_unfinished(work / str(number) / "half", unbroken)
            assert not list((work / str(number) / "half").rglob("*.partial"))
            assert contents(work / str(number) / "whole") == unbroken


LITTLE = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))"


@pytest.mark.parametrize("method", ["smote", "random-over"])
def test_a_limit_on_the_size_of_files(photos, tmp_path, method):
    arguments = (*BALANCE, photos, tmp_path / "out", "--method", method, "--validation", "0")
    arguments += ("--k-neighbors", "2") if method == "smote" else ()
    done = run(*arguments, first=LITTLE)
    assert done.returncode == 1 and "File too large" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not whole_files(tmp_path / "out") and not list(tmp_path.rglob("*.partial"))


LIMITED = """
import os, resource, sys
from imblearn_images._cli.main import main
import imblearn_images.folders._report, PIL.JpegImagePlugin, PIL.PngImagePlugin
open_now = len(os.listdir("/proc/self/fd")) - 1
for more in (0, 1, 2, 3, 6):
    if os.fork() == 0:
        said = os.open(f"{sys.argv[1]}/{more}.txt", os.O_RDWR | os.O_CREAT)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.close(said)
        few = open_now + more
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))
        command = [argument.format(out=f"{sys.argv[1]}/{more}") for argument in sys.argv[2:]]
        code = main(command)
        sys.stdout.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_too_many_open_files_is_not_taken_for_broken_images(photos, tmp_path):
    arguments = ("balance", photos, "{out}", "--on-error", "skip", "--json")
    done = run("-c", LIMITED, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    codes = dict(zip((0, 1, 2, 3, 6), map(int, done.stdout.split()), strict=True))
    for files, code in codes.items():
        out, said = tmp_path / str(files), (tmp_path / f"{files}.txt").read_text()
        if code == 0:
            assert '"skipped": {}' in said and verify_folder(out)
        else:
            assert code == 1 and "Too many open files" in said
            assert "Traceback" not in said
            assert not list(out.rglob("*.partial"))
            assert not (out / "manifest.jsonl").exists()
        assert (code == 0) == (files == 6) or files in (2, 3)


def test_an_output_that_cannot_be_written_is_refused_before_any_work():
    mechanism(*NOBODY, sys.executable, "-c", "import PIL, numpy")
    home = Path("/tmp") / f"faults-{os.getpid()}"
    home.mkdir(mode=0o755)
    try:
        source = write_photos(home / "photos", {"apple": 4, "kiwi": 4})
        (source / "apple" / "broken.png").write_bytes(b"hello")  # is not even looked at
        # not `run`: who is somebody until the fork may have modules that nobody can read
        command = [*NOBODY, sys.executable, *BALANCE, source, home / "out"]
        how = {"capture_output": True, "text": True, "check": False, "env": ENVIRONMENT}
        done = subprocess.run(command, cwd="/", **how)
        assert done.returncode == 1
        assert str(home) in done.stderr and "Permission denied" in done.stderr
        assert not (home / "out").exists()
    finally:
        shutil.rmtree(home)


def test_little_memory_is_a_message(tmp_path):
    source, rng = tmp_path / "photos", np.random.default_rng(0)
    for row in range(5):
        path = source / ("apple" if row % 2 else "kiwi") / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.frombytes("RGB", (2500, 2500), rng.bytes(3 * 2500**2))
        image.save(path, compress_level=0)  # a large file, in no time
    script = LIMITED.split("open_now =")[0] + (
        "used = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (12 << 20),) * 2)\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    # not `run`: a fork has room of its own, left over from the imports
    command = [sys.executable, "-c", script, "balance", source, tmp_path / "out"]
    command += ["--on-error", "skip"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert "Traceback" not in done.stderr
    assert done.returncode == 1 and "imblearn-images: " in done.stderr
    assert not (tmp_path / "out").exists()
