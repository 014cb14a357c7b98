"""Draw the picture of the README: ``python notebooks/_static/synthetic_faces.py``.

Faces are made rare in a set of faces and other patches; SMOTE adds faces, each of them between two
that are there.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image
from skimage.data import lfw_subset

from imblearn_images import SMOTE
from imblearn_images.synthesis import Morph

mpl.use("Agg")
import matplotlib.pyplot as plt

X = lfw_subset()  # 100 faces, then 100 patches without one, of 25 x 25 pixels
y = np.repeat(["face", "no face"], 100)
X, y = X[70:], y[70:]

smote = SMOTE(synthesis=Morph(), random_state=0)
X_res, y_res = smote.fit_resample(X, y)
plan = smote.plan_

synthetic = np.flatnonzero(plan.synthetic)
halfway = synthetic[np.argsort(abs(plan.weights[synthetic, 0] - 0.5), kind="stable")]
_, first = np.unique(plan.base[halfway], return_index=True)  # every parent once
shown = halfway[np.sort(first)[:8]]

figure = plt.figure(figsize=(9, 3), dpi=90)
bars, *_ = figure.subplots(1, 2, width_ratios=[1, 3.2], squeeze=False).flat
for place, label in enumerate(["no face", "face"]):
    n, added = np.sum(y == label), np.sum(y_res == label) - np.sum(y == label)
    bars.bar(place, n, color="0.6", width=0.6)
    bars.bar(place, added, bottom=n, color="tab:orange", width=0.6)
    bars.annotate(str(n), (place, n / 2), ha="center", va="center", color="white")
    if added:
        bars.annotate(f"+{added}", (place, n + added / 2), ha="center", va="center")
bars.set_xticks([0, 1], ["no face", "face"])
bars.set_yticks([])
bars.spines[:].set_visible(False)
bars.set_title("images per class", fontsize=10)

rows = [X[plan.base[shown]], X_res[shown], X[plan.partners[shown, 0]]]
gap = [(0, 0), (1, 1), (1, 1)]
rows = [np.pad(row, gap, constant_values=1) for row in rows]
sheet = figure.axes[1]
sheet.imshow(
    np.concatenate([np.concatenate(list(row), axis=1) for row in rows]),
    cmap="gray",
    interpolation="nearest",
)
height = rows[0].shape[1]
sheet.set_yticks(height * (np.arange(3) + 0.5), ["parent", "synthetic", "parent"])
sheet.get_yticklabels()[1].set_color("tab:orange")
sheet.set_xticks([])
sheet.tick_params(length=0)
sheet.spines[:].set_visible(False)
figure.tight_layout()

out = Path(__file__).with_suffix(".png")
figure.savefig(out)
Image.open(out).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(out, optimize=True)
print(f"{out.name}: {out.stat().st_size / 1000:.0f} kB")
