"""Laws of the command line: one line for whatever is wrong, in the words of the command."""

import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from folder_tools import encoded, write_photos
from forked import run_python

import imblearn_images
from imblearn_images import SMOTEENN, EditedNearestNeighbours, RandomOverSampler
from imblearn_images._cli.compare import CANDIDATES
from imblearn_images._cli.folders import METHOD
from imblearn_images._cli.main import _parser, main
from imblearn_images._cli.spelling import spelled
from imblearn_images.core.text import align, counted, width_of

COMMANDS = _parser().commands
FOLDER = {
    "inspect": ["inspect", "photos"],
    "balance": ["balance", "photos", "out"],
    "unbalance": ["unbalance", "photos", "out", "--profile", "step"],
    "compare": ["compare", "photos", "--folds", "2", "--repeats", "1", "--n-jobs", "1", "--quick"],
    "demo": ["demo", "--folder", "photos", "--size", "8", "--folds", "2"],
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    write_photos(tmp_path / "photos", {"kiwi": 9, "lime": 5})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *arguments, code=1):
    found = main([*map(str, arguments)])
    _, err = capsys.readouterr()
    assert found == code, err
    assert "Traceback" not in err and "please report" not in err
    return err


@pytest.mark.parametrize(
    "text",
    [
        "multiply 1e300", "multiply inf", "multiply nan", "multiply -1", "multiply 0",
        "at least 2147483647", "at least -5", "at least " + "9" * 5000, "at most 0",
        "inf", "nan", "1e300", "-1", "0", '{"kiwi": 1e300}', '{"kiwi": NaN}', '{"kiwi": -4}',
        '{"kiwi": 20, "kiwi": 30}', '{"kiwi": ' + "9" * 10000 + "}", '{"kiwi": 10.5}',
        '{"a":' * 100000, "[" * 100000, "x" * 100000, "\0", '{"kiwi": null}', '{"plum": 4}',
    ],
)  # fmt: skip
def test_a_strategy_out_of_range_is_refused_in_one_line(here, capsys, text):
    err = refused(capsys, "balance", "photos", "out", "--strategy", text)
    assert err.count("\n") == 1 and len(err) < 500 and not (here / "out").exists()


@pytest.mark.parametrize("number", ["1e300", "inf", "nan", "-1", "", "x", "1e9"])
def test_an_addition_out_of_range_is_refused(here, capsys, number):
    code = 1 if number in ("1e300", "1e9") else 2
    assert "kiwi" in refused(
        capsys, "balance", "photos", "out", "--add", f"kiwi={number}", code=code
    )


MODULE = """
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans as Clusters
from sklearn.linear_model import LinearRegression as Regression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler as Scaler

regression = make_pipeline(Scaler(), Regression())
number = 3
def needs(n): return GaussianNB()
class Needs(GaussianNB):
    def __init__(self, n): self.n = n
def raises(): raise KeyError("two\\nlines")
def leaves(): raise SystemExit(0)
def deep(): return deep()
def gives_class(): return GaussianNB
def gives_none(): return None
async def later(): return GaussianNB()
def many(): yield GaussianNB()
class NoParameters:
    def fit(self, X, y): return self
    def predict(self, X): return X
class Unclonable(ClassifierMixin, BaseEstimator):
    def __init__(self, a=None): self.a = list(a or [])
    def fit(self, X, y): return self
    def predict(self, X): return X
"""
BAD_ESTIMATORS = [
    "", "mymodule", "mymodule:", ":x", "..a:x", ".a:x", "a b:c", "a/b:c", "mymodule.py:needs",
    "os:system", "os:abort", "sys:exit", "time:sleep", "subprocess:Popen", "shutil:rmtree",
    "os:environ", "sklearn:svm", "json:model", "no.such:x", "mymodule:x:y", "mymodule:needs.x",
    "syntax:x", "raising:x", "leaving:x", "mymodule:number", "mymodule:needs", "mymodule:Needs",
    "mymodule:raises", "mymodule:leaves", "mymodule:deep", "mymodule:gives_class",
    "mymodule:gives_none", "mymodule:later", "mymodule:many", "mymodule:NoParameters",
    "mymodule:Unclonable", "mymodule:Clusters", "mymodule:Regression", "mymodule:regression",
    "mymodule:Scaler",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_ESTIMATORS)
def test_what_is_no_estimator_is_named_with_what_to_pass(here, capsys, monkeypatch, name):
    for module in ("mymodule", "syntax", "raising", "leaving"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    Path("mymodule.py").write_text(MODULE)
    Path("syntax.py").write_text("x = = 1")
    Path("raising.py").write_text("raise RuntimeError('two\\nlines')")
    Path("leaving.py").write_text("raise SystemExit(3)")
    before = sys.path.copy()
    err = refused(capsys, "compare", "photos", "--estimator", name)
    assert err.startswith(f"imblearn-images: --estimator {name}: ") and err.count("\n") == 1
    assert "Pass MODULE:OBJECT" in err
    assert sys.path == before


def test_the_current_folder_shadows_nothing_but_while_the_module_is_imported(here, monkeypatch):
    monkeypatch.delitem(sys.modules, "mymodule", raising=False)
    Path("mymodule.py").write_text(MODULE)
    Path("tqdm.py").write_text("raise SystemExit('shadowed')")
    code = (
        "import sys; from imblearn_images._cli.main import main; "
        "sys.path[:] = [p for p in sys.path if p]; "
        "sys.exit(main(['compare', 'photos', '--estimator', 'mymodule:GaussianNB', '--folds', '2',"
        "'--repeats', '1', '--methods', 'SMOTE', '--n-jobs', '2', '--size', '4']))"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr  # also in workers, which import the module themselves
    assert "none " in done.stdout


def options_of(text):
    """Options that a message names: (option, command it is said to be of or "")."""
    return re.findall(r"(?<![\w-])(--[a-z][a-z-]+)(?:[ =](?!of )\S+)?(?: of ([a-z]+))?", text)


@pytest.mark.parametrize("command", FOLDER)
@pytest.mark.parametrize("damage", ["broken", "empty", "one class", "pipe", "deep colour", "one"])
def test_a_message_names_only_options_that_its_command_has(here, capsys, command, damage):
    photos = here / "photos"
    if damage == "broken":
        (photos / "kiwi" / "broken.png").write_bytes(b"no image")
    elif damage == "empty":
        (photos / "plum").mkdir()
    elif damage == "one class":
        for file in (photos / "lime").iterdir():
            file.unlink()
        (photos / "lime").rmdir()
    elif damage == "pipe":
        os.mkfifo(photos / "kiwi" / "pipe.png")
    elif damage == "deep colour":
        (photos / "kiwi" / "deep.ppm").write_bytes(b"P6 2 2 65535\n" + bytes(24))
    else:
        for file in list((photos / "lime").iterdir())[1:]:
            file.unlink()
    for remedied in (FOLDER[command], [*FOLDER[command], "--on-error", "skip"]):
        if "--on-error" in remedied and "on_error" not in COMMANDS[command]:
            continue
        main(remedied)
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "please report" not in err
        for option, of in options_of(err + out):
            theirs = COMMANDS[of or command]
            assert any(option in action.option_strings for action in theirs.values()), err
        assert not re.search(r"\b(on_error|mode|resume|allow_empty|random_state)=", err + out)
    if damage == "broken" and command != "inspect":
        assert "broken.png" in out + err and "cannot be used" not in err


def test_only_the_command_line_spells_options():
    """No module but those of the command line spells an option itself."""
    for file in Path(imblearn_images.__file__).parent.rglob("*.py"):
        if file.parent.name == "_cli":
            continue
        code = re.sub(r'"""(.|\n)*?"""|#.*', "", file.read_text())
        code = code.replace("pip install --upgrade", "")
        assert not re.search(r"(?<![\w-])--[a-z]", code), file


@pytest.mark.parametrize("kind", [RandomOverSampler, EditedNearestNeighbours, SMOTEENN])
def test_a_sampler_in_a_remedy_is_spelled_as_the_option_that_chooses_it(kind):
    name = kind.__name__
    for command, option in (("balance", "--method"), ("compare", "--methods")):
        said = spelled(f"Use {name}() or {name}, not '{name}' or {name}/1.png.", COMMANDS[command])
        method = re.escape(METHOD(name))
        wanted = rf"Use {option} {method} or {option} {method}, not '{name}' or {name}/1\.png\."
        assert re.fullmatch(wanted, said)
    assert spelled(f"Use {name}.", COMMANDS["verify"]) == f"Use {name}."


@pytest.mark.filterwarnings("default")
def test_a_warning_is_spelled_as_an_error_is(capsys, monkeypatch):
    said = 'Photos differ. Pass mode="RGB", or `resume=True`.'

    def warning(*_, **__):
        warnings.warn(said, UserWarning, stacklevel=2)
        raise ValueError(said)

    monkeypatch.setattr("imblearn_images.folders.balance_folder", warning)
    assert main(["balance", "photos", "out"]) == 1
    told, failed = capsys.readouterr().err.splitlines()
    assert told == f"imblearn-images: warning: {failed.removeprefix('imblearn-images: ')}"
    assert "--mode RGB" in told and "--resume" in told


@pytest.mark.parametrize("end", ["", ".", "!", "?"])
def test_the_words_of_others_end_with_one_stop(here, capsys, monkeypatch, end):
    Path("ending.py").write_text(
        "from sklearn.naive_bayes import GaussianNB\n"
        "class Fails(GaussianNB):\n"
        f"    def fit(self, X, y): raise RuntimeError('enough{end}')\n"
        f"def raises(): raise RuntimeError('enough{end}')\n"
    )
    for name in ("Fails", "raises"):
        monkeypatch.delitem(sys.modules, "ending", raising=False)
        err = refused(capsys, *FOLDER["compare"], "--estimator", f"ending:{name}")
        assert "enough" in err and not re.search(r"[.!?]\.", err)
        assert "ending.py, line 3" in err or name == "raises"
        assert "tasks" not in err  # of joblib


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_answered_by_the_nearest(command, capsys):
    for action in COMMANDS[command].values():
        if action.option_strings and len(action.option_strings[-1]) > 6:
            option = action.option_strings[0]
            err = refused(capsys, command, f"{option[:-2]}{option[-1]}{option[-2]}", code=2)
            assert f"did you mean {option}?" in err and len(err.splitlines()) == 3


def test_an_unknown_command_or_method_is_answered_by_the_nearest(capsys):
    assert "did you mean inspect?" in refused(capsys, "inspct", code=2)
    assert "did you mean smote?" in refused(
        capsys, "balance", "a", "b", "--method", "smoet", code=2
    )
    err = refused(capsys, "compare", "a", "--methods", "random-ovr", code=2)
    assert "did you mean random-over?" in err and len(err) < 400


def test_methods_may_be_called_as_the_classes_are(here, capsys):
    for name in ("RandomUnderSampler", "edited_nearest_neighbours"):
        assert main(["balance", "photos", "out", "--dry-run", "--method", name]) == 0
    parsed = _parser().parse_args(["compare", "--methods", "SMOTE", "RandomOverSampler/Morph",
                                   "smoteenn", "photos"])  # fmt: skip
    assert parsed.source == "photos"
    assert parsed.methods == ["smote", "random-over/morph", "smoteenn"]
    assert {"smoteenn", "smotetomek"} <= set(CANDIDATES)
    capsys.readouterr()


def closed(stream, number):
    """What a Python that was started without a stream has."""
    return f"import os, sys; os.close({number}); sys.{stream} = sys.__{stream}__ = None"


FULL = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)"


@pytest.mark.skipif(sys.platform == "win32", reason="closes as POSIX does")
@pytest.mark.parametrize(
    ("first", "code"),
    [(closed("stdout", 1), 0), (closed("stderr", 2), 0), (FULL, 1)],
    ids=["no stdout", "no stderr", "full"],
)
def test_closed_and_full_streams(here, first, code):
    done = run_python("-m", "imblearn_images", "inspect", "photos", "--no-near", first=first)
    assert done.returncode == code
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_started_without_streams(here):
    command = f"{sys.executable} -m imblearn_images inspect photos --no-near >&- 2>&-"
    env = {**os.environ, "PYTHONPATH": str(Path(imblearn_images.__file__).parents[1])}
    assert subprocess.run(command, shell=True, env=env, check=False).returncode == 0


def test_a_reader_that_leaves_is_no_error(here, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        said = io.StringIO()
        monkeypatch.setattr(sys, "stderr", said)
        assert main(["inspect", "photos", "--no-near"]) == 1
        assert said.getvalue() == ""


def test_what_an_encoding_does_not_hold_is_escaped(here, monkeypatch):
    (here / "photos" / "リンゴ").mkdir()
    (here / "photos" / "リンゴ" / "1.png").write_bytes(encoded(np.zeros((4, 4), np.uint8)))
    held = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(held, encoding="ascii"))
    assert main(["inspect", "photos", "--no-near"]) == 0
    assert rb"\u30ea" in held.getvalue()


def test_tables_fit_a_narrow_screen(here, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["balance", "photos", "out", "--dry-run"]) == 0
    table = capsys.readouterr().out.split("\nnote")[0].splitlines()[:-1]
    assert max(map(len, table)) <= 40
    assert sum(line.startswith("kiwi") for line in table) > 1


def test_wide_letters_line_up():
    lines = align(["class", "images"], [["リンゴ", 3], ["kiwi", 20]]).splitlines()
    assert len({width_of(line) for line in lines}) == 1


@pytest.mark.parametrize("noun", ["file", "image", "class", "leak", "category", "larger class"])
def test_one_is_singular(noun):
    assert counted(1, noun) == f"1 {noun}" and counted(2, noun) != f"2 {noun}"


def test_the_door_opens_every_public_module_and_lists_nothing_else():
    code = (
        "import imblearn_images as door\n"
        "for name in dir(door): getattr(door, name)\n"
        "assert not [n for n in dir(door) if n.startswith('_') and n != '__version__']\n"
        "assert not {'base', 'core', 'cli', 'hints', 'validation'} & set(dir(door))\n"
        "assert {'display', 'model_selection', 'datasets', 'folders', 'SMOTE'} <= set(dir(door))\n"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'dispaly'"):
        imblearn_images.dispaly  # noqa: B018
