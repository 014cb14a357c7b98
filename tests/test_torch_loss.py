"""The adjusted loss against its formula; counts that cannot be; correcting only once."""

import copy
import io
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the loss needs torch")
from torch.nn import functional  # noqa: E402

from imblearn_images.torch import LogitAdjustedCrossEntropyLoss  # noqa: E402

COUNTS = [900, 90, 9, 1]


def batch(shape=(16, 4), seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator).to(dtype)
    targets = torch.randint(0, 4, (shape[0], *shape[2:]), generator=generator)
    return logits, targets


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"weight": torch.tensor([1.0, 0.5, 0.7, 0.1])},
        {"label_smoothing": 0.2},
        {"ignore_index": 2},
        {"reduction": "sum"},
        {"reduction": "none", "label_smoothing": 0.1, "weight": torch.tensor([2.0, 1.0, 1.0, 1.0])},
    ],
)
@pytest.mark.parametrize("shape", [(16, 4), (5, 4, 3), (3, 4, 2, 2)])
def test_it_is_cross_entropy_of_logits_and_log_priors(tau, params, shape):
    logits, targets = batch(shape)
    log_prior = (torch.tensor(COUNTS) / sum(COUNTS)).log()
    expected = functional.cross_entropy(
        logits + tau * log_prior.reshape(1, 4, *[1] * (len(shape) - 2)), targets, **params
    )
    before = logits.clone()
    loss = LogitAdjustedCrossEntropyLoss(COUNTS, tau, **params)
    torch.testing.assert_close(loss(logits, targets), expected)
    torch.testing.assert_close(logits, before)  # which others forget
    shares = LogitAdjustedCrossEntropyLoss(np.array(COUNTS) / 1000, tau, **params)
    torch.testing.assert_close(shares(logits, targets), expected)


def test_one_image_alone_and_targets_that_are_shares():
    loss = LogitAdjustedCrossEntropyLoss(torch.tensor(COUNTS))
    logits, _ = batch((4,))
    target = torch.tensor(1)
    adjusted = logits + (torch.tensor(COUNTS) / 1000).log()
    torch.testing.assert_close(loss(logits, target), functional.cross_entropy(adjusted, target))
    logits, targets = batch()
    soft = functional.one_hot(targets, 4).float() * 0.9 + 0.025
    adjusted = logits + (torch.tensor(COUNTS) / 1000).log()
    torch.testing.assert_close(loss(logits, soft), functional.cross_entropy(adjusted, soft))


def test_equal_counts_are_plain_cross_entropy():
    logits, targets = batch()
    plain = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    equal = LogitAdjustedCrossEntropyLoss([30, 30, 30, 30], label_smoothing=0.1)
    torch.testing.assert_close(equal(logits, targets), plain(logits, targets))
    assert isinstance(equal, torch.nn.CrossEntropyLoss)


def test_half_precision_and_autocast():
    loss = LogitAdjustedCrossEntropyLoss([10**8, 10**4, 10, 1])
    logits, targets = batch()
    exact = loss(logits, targets)
    half = copy.deepcopy(loss).to(torch.bfloat16)
    assert torch.isfinite(half.log_prior).all()  # shares of 1e-8 would not survive half()
    assert torch.isfinite(copy.deepcopy(loss).half().log_prior).all()
    torch.testing.assert_close(half(logits.bfloat16(), targets).float(), exact, rtol=0.02, atol=0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(loss(logits.bfloat16(), targets), exact, rtol=0.01, atol=0.05)


def test_the_prior_is_saved_and_moves():
    loss = LogitAdjustedCrossEntropyLoss(COUNTS)
    file = io.BytesIO()
    torch.save(loss.state_dict(), file)
    file.seek(0)
    other = LogitAdjustedCrossEntropyLoss([1, 1, 1, 1])
    other.load_state_dict(torch.load(file, weights_only=True))
    torch.testing.assert_close(other(*batch()), loss(*batch()))
    assert loss.to("meta").log_prior.device.type == "meta"
    assert "4 classes, tau=1" in repr(other)


def test_gradients_favour_no_class_at_the_prior():
    """Where logits say nothing, the gradient of rows that come as counted is zero."""
    counts = torch.tensor([8, 4, 2, 2])
    targets = torch.repeat_interleave(torch.arange(4), counts)
    logits = torch.zeros(4, requires_grad=True)
    LogitAdjustedCrossEntropyLoss(counts)(logits.expand(16, 4), targets).backward()
    torch.testing.assert_close(logits.grad, torch.zeros(4), atol=1e-6, rtol=0)


@pytest.mark.filterwarnings("ignore")  # what a compiler says about the machine is not ours
def test_it_can_be_traced_whole():
    loss = LogitAdjustedCrossEntropyLoss(COUNTS)
    logits, targets = batch()
    logits.requires_grad_()
    traced = torch.compile(loss, backend="eager", fullgraph=True)
    torch.testing.assert_close(traced(logits, targets), loss(logits, targets))


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([5, 0, 3], "above 0 for every class, got 0 for class 1"),
        ([5, 3, -2], "got -2 for class 2"),
        ([5, float("nan")], "got nan for class 1"),
        ([5], "at least two"),
        ({"cat": 3, "dog": 4}, "number of rows of each class"),
        ([[1, 2], [3, 4]], "number of rows of each class"),
        ("many", "number of rows of each class"),
        ([10**400, 1], "number of rows of each class"),
    ],
)
def test_counts_that_cannot_be_are_refused_with_their_class(counts, told):
    with pytest.raises(ValueError, match=told):
        LogitAdjustedCrossEntropyLoss(counts)


def test_other_wrong_values():
    for tau in (float("nan"), float("inf"), "1", None, [1, 2], torch.ones(2)):
        with pytest.raises(ValueError, match="`tau` must be a finite number, got "):
            LogitAdjustedCrossEntropyLoss(COUNTS, tau)
    assert LogitAdjustedCrossEntropyLoss(COUNTS, torch.tensor(0.5)).tau == 0.5
    with pytest.raises(ValueError, match=r"one number for each class, .* got a single number"):
        LogitAdjustedCrossEntropyLoss(COUNTS)(torch.tensor(1.0), torch.tensor(0))
    with pytest.raises(ValueError, match="got 4 for logits of 3 classes"):
        LogitAdjustedCrossEntropyLoss(COUNTS)(torch.zeros(2, 3), torch.zeros(2, dtype=torch.long))


# --- correct only once


def train(loss, p, rows=6000, seed=0, grad=True):
    """What a loop does to a loss, with labels that come in these shares."""
    rng = np.random.default_rng(seed)
    with torch.set_grad_enabled(grad):
        for _ in range(rows // 100):
            targets = torch.from_numpy(rng.choice(4, 100, p=p))
            loss(torch.zeros(100, 4, requires_grad=True), targets)


def test_a_balanced_loader_before_it_is_noticed_once():
    loss = LogitAdjustedCrossEntropyLoss(COUNTS)
    with pytest.warns(UserWarning, match="labels in training are balanced.*twice") as caught:
        train(loss, [0.25] * 4)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("params", "p", "grad"),
    [
        ({}, np.array(COUNTS) / 1000, True),
        ({}, [0.25] * 4, False),  # validation, which may well be balanced
        ({"tau": 0}, [0.25] * 4, True),
        ({"counts": [5, 5, 5, 5]}, [0.25] * 4, True),
        ({"counts": [500, 300, 150, 50]}, [0.5, 0.3, 0.15, 0.05], True),
    ],
)
def test_without_a_reason_it_is_silent(params, p, grad):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(LogitAdjustedCrossEntropyLoss(**{"counts": COUNTS, **params}), p, grad=grad)


def test_class_weights_beside_it_are_noticed():
    counts = np.array(COUNTS, dtype=float)
    with pytest.warns(UserWarning, match="`weight` is larger for rarer"):
        LogitAdjustedCrossEntropyLoss(COUNTS, weight=torch.from_numpy(1 / counts).float())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for weight in ([1.0, 1.0, 1.0, 1.0], [1.0, 0.9, 1.1, 1.0], [1.0, 1.0, 0.0, 1.0]):
            LogitAdjustedCrossEntropyLoss(COUNTS, weight=torch.tensor(weight))
        LogitAdjustedCrossEntropyLoss([5, 5, 5, 5], weight=torch.tensor([1.0, 2.0, 3.0, 4.0]))
