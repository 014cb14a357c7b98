"""Features that a network of PyTorch computes."""

import pickle
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from conftest import make_images, make_labels, read_images, write_images
from imblearn.pipeline import make_pipeline
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

torch = pytest.importorskip("torch", reason="TorchEmbedding needs torch")

from imblearn_images import SMOTE, TomekLinks, render  # noqa: E402
from imblearn_images.core.embedding import embed  # noqa: E402
from imblearn_images.preprocessing import FlattenImages  # noqa: E402
from imblearn_images.synthesis import NeighborsAgree  # noqa: E402
from imblearn_images.torch import TorchEmbedding  # noqa: E402

Y = make_labels({"cat": 30, "dog": 14, "owl": 9})
N = len(Y)


def network(channels=3):
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Conv2d(8, 5, 3),
    )


def colours(dtype="uint8", n=N):
    return make_images(n, (12, 10, 3), dtype)


def by_hand(net, images, until=None):
    """The output of the first layers for images from 0 to 1."""
    net = net[:until].eval()
    with torch.inference_mode():
        return net(torch.tensor(images, dtype=torch.float32).permute(0, 3, 1, 2)).numpy()


class Watching(torch.nn.Module):
    """Keeps what it sees, and gives one feature."""

    def __init__(self, channels=3):
        super().__init__()
        self.in_channels = channels

    def forward(self, x):
        self.seen = x.clone()
        return x.mean(dim=(1, 2, 3))[:, None]


def seen(X, channels=3, **params):
    watching = Watching(channels)
    TorchEmbedding(watching, batch_size=len(X), **params).fit_transform(X)
    return watching.seen.numpy()


# --- what the network sees


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool", "float32", "float64"])
def test_pixels_become_zero_to_one_channels_first(dtype):
    X = colours(dtype)
    top = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    expected = np.moveaxis(X.astype(float) / top, -1, 1)
    np.testing.assert_allclose(seen(X), expected, atol=1e-6)


def test_grey_images_are_repeated_for_a_network_of_colours():
    X = make_images(N, (12, 10), "uint8")
    found = seen(X)
    assert found.shape == (N, 3, 12, 10)
    np.testing.assert_array_equal(found, seen(np.repeat(X[..., None], 3, axis=3)))
    assert seen(X, channels=1).shape == (N, 1, 12, 10)
    assert seen(X, channels=None).shape == (N, 1, 12, 10)


def test_mean_and_std_are_taken_channel_by_channel():
    X = colours()
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.5)
    expected = np.moveaxis((X / 255 - mean) / std, -1, 1)
    np.testing.assert_allclose(seen(X, mean=mean, std=std), expected, atol=1e-5)
    watching = Watching()
    config = {"mean": mean, "std": std, "input_size": (3, 8, 6)}
    for name, value in (
        ("pretrained_cfg", config),
        ("default_cfg", config),
        ("pretrained_cfg", SimpleNamespace(**config)),
    ):
        watching = Watching(channels=None)
        setattr(watching, name, value)
        embedding = TorchEmbedding(watching, batch_size=N).fit(X)
        embedding.transform(X)
        assert embedding.size_ == (8, 6) and embedding.channels_ == 3
        expected = seen(X, mean=mean, std=std, size=(8, 6))
        np.testing.assert_array_equal(watching.seen.numpy(), expected)


def test_images_are_resized_like_files(tmp_path):
    X = colours()
    paths = np.array(write_images(tmp_path, X), dtype=object)
    for params in ({}, {"size": (7, 9)}, {"size": (20, 20)}):
        embedding = TorchEmbedding(network(), **params)
        np.testing.assert_array_equal(
            clone(embedding).fit_transform(paths), clone(embedding).fit_transform(X)
        )
    constant = np.full((2, 30, 20, 3), 51, np.uint8)
    np.testing.assert_allclose(seen(constant, size=(7, 9)), 0.2, atol=1e-6)


def test_a_file_of_16_bits_does_not_darken_others(tmp_path):
    X = make_images(1, (12, 10), "uint8")[0]
    write_images(tmp_path, X[None])
    Image.fromarray(X.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    paths = np.array(sorted(tmp_path.glob("*.png")), dtype=object)
    embedding = TorchEmbedding(torch.nn.Flatten()).fit(X[None])
    np.testing.assert_allclose(embedding.transform(paths), np.stack([X.ravel()] * 2) / 255, 1e-6)


def test_files_are_read_in_the_colours_of_the_network(tmp_path):
    paths = write_images(tmp_path, make_images(5, (12, 10), "uint8"))
    assert seen(np.array(paths, dtype=object)).shape == (5, 3, 12, 10)
    folder = tmp_path / "colours"
    folder.mkdir()
    paths = write_images(folder, colours(n=5))
    assert seen(np.array(paths, dtype=object), channels=1).shape == (5, 1, 12, 10)


# --- what comes out


@pytest.mark.parametrize(("layer", "until"), [(None, None), ("0", 1), ("2", 3), ("4", 5)])
@pytest.mark.parametrize("pooling", ["average", "flatten"])
def test_features_are_the_output_of_the_layer(layer, until, pooling):
    net, X = network(), colours()
    features = TorchEmbedding(net, layer, pooling=pooling).fit_transform(X)
    expected = by_hand(net, X / 255, until)
    expected = expected.mean((2, 3)) if pooling == "average" else expected.reshape(N, -1)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_tokens_are_averaged():
    class Tokens(torch.nn.Module):
        def forward(self, x):
            return x.flatten(2).transpose(1, 2)

    X = colours()
    averaged = TorchEmbedding(Tokens()).fit_transform(X)
    np.testing.assert_allclose(averaged, X.mean((1, 2)) / 255, atol=1e-5)
    assert TorchEmbedding(Tokens(), pooling="flatten").fit_transform(X).shape == (N, 360)


def test_features_do_not_depend_on_how_many_images_there_are():
    net = torch.nn.Sequential(network(), torch.nn.Flatten(), torch.nn.LazyLinear(33))
    X = colours()
    embedding = TorchEmbedding(net, batch_size=16).fit(X)
    whole = embedding.transform(X)
    for rows in (slice(1), slice(3, 5), slice(7, 40), slice(None, None, -1)):
        np.testing.assert_array_equal(embedding.transform(X[rows]), whole[rows])


def test_the_network_is_left_as_it_was():
    net, X = network(), colours()
    net.train()
    net[1].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    first = TorchEmbedding(net, "2").fit_transform(X)
    np.testing.assert_array_equal(TorchEmbedding(net, "2").fit_transform(X), first)
    assert net.training and net[0].training and not net[1].training
    assert all((before[name] == value).all() for name, value in net.state_dict().items())
    assert not net[2]._forward_hooks


def test_clones_share_the_network_and_pickles_do_not():
    net, X = network(), colours()
    embedding = TorchEmbedding(net, layer="2", batch_size=9).fit(X)
    again = clone(embedding)
    assert again.module is net and again.layer == "2" and not hasattr(again, "module_")
    loaded = pickle.loads(pickle.dumps(embedding))
    assert loaded.module is loaded.module_ is not net
    np.testing.assert_array_equal(loaded.transform(X), embedding.transform(X))


def test_a_copy_moves_to_the_device():
    net = network()
    embedding = TorchEmbedding(net, device="cpu").fit(colours())
    assert embedding.module_ is not net
    np.testing.assert_array_equal(
        embedding.transform(colours()), TorchEmbedding(net).fit_transform(colours())
    )


# --- in a sampler


@pytest.mark.parametrize("form", ["images", "paths"])
def test_in_samplers_every_number_of_threads_gives_the_same(form, tmp_path):
    X = colours()
    data = write_images(tmp_path, X) if form == "paths" else X
    results = []
    for n_jobs in (1, 2):
        where = {"output_dir": tmp_path / f"c{n_jobs}"} if form == "paths" else {}
        smote = SMOTE(
            embedding=TorchEmbedding(network(), size=(9, 9)),
            accept=NeighborsAgree(max_tries=2),
            random_state=0,
            n_jobs=n_jobs,
            **where,
        )
        X_res, _ = smote.fit_resample(data, Y)
        results.append(read_images(X_res) if form == "paths" else X_res)
        assert smote.plan_.nearness == "TorchEmbedding (5 features)"
    np.testing.assert_array_equal(*results)
    np.testing.assert_array_equal(render(smote.plan_[-5:], data), results[0][-5:])


def test_many_threads_may_ask_one_network():
    net, X = network(), colours()
    embeddings = [TorchEmbedding(net, layer).fit(X) for layer in ("0", "4") * 4]
    expected = [embedding.transform(X) for embedding in embeddings]
    found = joblib.Parallel(4, prefer="threads")(
        joblib.delayed(embedding.transform)(X) for embedding in embeddings
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        embed(X, TorchEmbedding(net), n_jobs=2)[0], TorchEmbedding(net).fit_transform(X)
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_networks_of_other_precisions_get_what_they_are_made_of(dtype):
    net, X = network(), colours()
    expected = TorchEmbedding(net).fit_transform(X)
    features = TorchEmbedding(network().to(getattr(torch, dtype))).fit_transform(X)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=0.02)


def test_its_layer_is_tuned_by_name():
    pipeline = make_pipeline(
        SMOTE(embedding=TorchEmbedding(network()), k_neighbors=2), FlattenImages(), GaussianNB()
    )
    search = GridSearchCV(pipeline, {"smote__embedding__layer": ["0", None]}, cv=2)
    search.fit(colours(), Y)
    assert search.cv_results_["mean_test_score"].min() > 0


# --- what cannot be


def test_errors(tmp_path):
    X, net = colours(), network()

    def fails(error, message, data=X, module=net, **params):
        with pytest.raises(error, match=message):
            TorchEmbedding(module, **params).fit_transform(data)

    fails(TypeError, r"must be a torch\.nn\.Module, got 'resnet18'", module="resnet18")
    fails(ValueError, r"got 'relu'. Similar names are \['0', '1', '2', '3', '4'\]", layer="relu")
    fails(ValueError, 'must be "average" or "flatten", got \'max\'', pooling="max")
    fails(ValueError, "floats from 0 to 1, got float64 from 0.* to 255", X.astype(float))
    fails(ValueError, "the 1 channels that the network takes, got 3", module=network(1))
    fails(ValueError, "`batch_size` must be an integer of at least 1, got 0", batch_size=0)
    fails(ValueError, "`X` must hold at least one image", X[:0])
    with pytest.raises(ValueError, match="`X` must hold at least one image"):
        TorchEmbedding(net).fit(X).transform(X[:0])
    fails(ValueError, "TorchEmbedding needs images of shape", X.reshape(N, -1))
    fails(ValueError, r"look like \(C, H, W\)", X.transpose(0, 3, 1, 2))

    class Unused(torch.nn.Module):
        def __init__(self, gives):
            super().__init__()
            self.spare, self.gives = torch.nn.ReLU(), gives

        def forward(self, x):
            return self.gives(x)

    fails(ValueError, "'spare' is not used", module=Unused(lambda x: x), layer="spare")
    fails(
        ValueError, "The network must return a tensor .* got tuple", module=Unused(lambda x: (x,))
    )
    fails(ValueError, r"got \(64,\) for 64 images", module=Unused(lambda x: x.mean((1, 2, 3))))
    images = [image[: 12 - row % 2] for row, image in enumerate(X)]
    paths = np.array(write_images(tmp_path, images), dtype=object)
    fails(ValueError, r"has shape \(11, 10, 3\), .* Pass `size=\(height, width\)`", paths)
    assert TorchEmbedding(net, size=(8, 8)).fit_transform(paths).shape == (N, 5)
    TomekLinks(embedding=TorchEmbedding(net, size=(8, 8))).fit_resample(paths, Y)


def test_without_torch_it_says_how_to_get_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"imblearn-images\[torch\]"):
        TorchEmbedding("anything").fit(colours())
