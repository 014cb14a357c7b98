"""
What is in a balanced folder?
=============================

Class folders go in; a split, balanced copy comes out, with a sheet of its images.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from imblearn_images import recipes
from imblearn_images.datasets import load_texture_patches
from imblearn_images.folders import balance_folder

X, y = load_texture_patches(images="colour", size=32, return_X_y=True)
with tempfile.TemporaryDirectory() as folder:
    for row, (image, label) in enumerate(zip(X, y, strict=True)):
        Path(folder, "photos", label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(Path(folder, "photos", label, f"{row:03}.png"))
    balanced = Path(folder, "balanced")
    mild = recipes.mild(random_state=0)
    balance_folder(Path(folder, "photos"), balanced, sampler=mild, plot=True)
    sheet = Image.open(balanced / "contact_sheet.png").convert("RGB")
plt.figure(figsize=(7, 7 * sheet.height / sheet.width))
plt.imshow(sheet)
plt.axis("off")
plt.show()
