"""Python in a process of its own, in an instant: a fork of one that has imported imbalanced-learn.

To import imbalanced-learn takes two seconds, this package a fifth of that. The process that forks
has imported nothing of this package and has computed nothing: a fork of it is as good as a new
Python, but for what an interpreter decides when it starts (`-OO`, streams that are closed).
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = str(Path(__file__).parents[1])

SERVE = """
import gc, json, os, runpy, sys, warnings
import imblearn
gc.freeze()  # a fork then copies no page only because objects on it are counted
for line in sys.stdin:
    job = json.loads(line)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads, of BLAS, that are idle
        child = os.fork()
    if child == 0:
        break
    os.write(1, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    sys.exit()

for number, path in enumerate([os.devnull, *job["streams"]]):
    opened = os.open(path, os.O_RDWR)
    os.dup2(opened, number)
    os.close(opened)
os.environ.clear()
os.environ.update(job["env"])
os.chdir(job["cwd"])
paths = job["env"].get("PYTHONPATH", "").split(os.pathsep)
sys.path[:] = ["", *filter(None, paths), *(path for path in sys.path[1:] if path not in paths)]
what, code, *sys.argv[1:] = job["arguments"]
exec(job["first"], {})
if job["strict"]:
    warnings.simplefilter("error")
for name in ("child", "job", "line", "number", "opened", "paths"):
    del globals()[name]
if what == "-m":
    runpy.run_module(code, run_name="__main__", alter_sys=True)
else:
    exec(compile(code, "<string>", "exec"))
"""


@cache
def _server():
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # threads do not survive a fork
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | quiet,
        cwd=os.sep,
        start_new_session=True,
    )
    atexit.register(_end, server)
    return server


def _end(server):
    server.stdin.close()
    server.wait()
    server.stdout.close()


def run_python(*arguments, first="", strict=False, cwd=None, env=None, timeout=300):
    """Run `python -c CODE ...` or `python -m MODULE ...`; returns what `subprocess.run` does.

    `first` is code that is run before, to take away rights or resources; `strict` is `-W error`.
    """
    arguments = [*map(str, arguments)]
    env = dict(os.environ if env is None else env)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, env.get("PYTHONPATH")]))
    if not hasattr(os, "fork"):
        options = ("-W", "error") if strict else ()
        command = [sys.executable, *options, *arguments]
        how = {"cwd": cwd, "env": env, "timeout": timeout, "capture_output": True, "text": True}
        return subprocess.run(command, check=False, **how)
    server = _server()
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        job = {"arguments": arguments, "streams": [out.name, err.name], "first": first}
        job |= {"strict": strict, "cwd": str(cwd or os.getcwd()), "env": env}
        server.stdin.write(json.dumps(job).encode() + b"\n")
        server.stdin.flush()
        if not select.select([server.stdout], [], [], timeout)[0]:
            _server.cache_clear()
            os.killpg(server.pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(arguments, timeout)
        code = int(server.stdout.readline())
        said = [Path(stream.name).read_text(encoding="utf-8") for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *said)
