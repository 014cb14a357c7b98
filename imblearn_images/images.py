'''Homes of pixels: where images live, and how to write such a home yourself.

A sampler opens `X` once, as :class:`Images`, and reads it row by row, whatever it is: arrays are
one such home (:class:`ArrayImages`), files another (:class:`FileImages`). Anything else that
holds your images, such as a database, an archive, a chunked store or a function that draws them,
becomes one more in about fifteen lines. It can be passed as `X` wherever an array can: to
samplers, ensembles, embeddings, ``compare_resamplers``, ``render`` and cross-validation.

How to write a home of pixels
-----------------------------

Derive from :class:`Images`, and define four things: the number of images, their dtype, the shape
of each of them, and how rows are read into a given array:

>>> import numpy as np
>>> from imblearn_images.images import Images
>>> class Discs(Images):
...     """Grey discs of the given radii, drawn when they are read."""
...
...     dtype = np.dtype("uint8")
...
...     def __init__(self, radii):
...         self.radii = np.asarray(radii)
...
...     def __len__(self):
...         return len(self.radii)
...
...     def shape_of(self, row):
...         return (16, 16)
...
...     def read(self, rows, out):
...         y, x = np.ogrid[-7.5:8, -7.5:8]
...         out[...] = 255 * (np.hypot(y, x) < self.radii[rows, None, None])
>>> from imblearn_images import SMOTE, RandomUnderSampler
>>> discs, labels = Discs([2, 3, 4, 5, 6, 7]), ["small"] * 4 + ["large"] * 2
>>> X_res, y_res = SMOTE(k_neighbors=1, random_state=0).fit_resample(discs, labels)
>>> X_res.shape, X_res.dtype
((8, 16, 16), dtype('uint8'))

A sampler that only selects reads nothing. It returns a smaller home, which reads from the first
one:

>>> some, _ = RandomUnderSampler(random_state=0).fit_resample(discs, labels)
>>> isinstance(some, Images), len(some)
(True, 4)

A home must keep these rules:

- ``read(rows, out)`` writes into `out`, shape (len(rows), ...), in the dtype of the set, and
  keeps no reference to it. It is called from several threads at once, with rows in any order,
  possibly repeated; reading a row twice gives the same pixels.
- A home can be pickled. An open file or a connection, which cannot be, is opened again when it is
  needed.
- Shapes may differ. Then ``read`` resizes an image whose size is not that of `out`.
- ``uniform``, ``subset``, ``pixels`` and ``look_at`` are built on these four. Override them where
  you can do better: ``uniform`` asks for the shape of every row, ``pixels`` copies what is read
  into a temporary file.

Two samplers in a row need no stored pixels in between: the rows of a plan are a home as well,
each drawn when it is read.

>>> from imblearn_images.images import DrawnImages
>>> smote = SMOTE(k_neighbors=1, random_state=0)
>>> _, y_res = smote.fit_resample(discs, labels)
>>> DrawnImages(smote.plan_, discs)
DrawnImages(8 images)

Files of other formats need no home of their own, only a function that reads one file:
``FileImages(paths, reader=pydicom_pixels)``, or
``load_image_folder(folder, reader=numpy.load, suffixes=[".npy"])``. :class:`RemoteReader` is such a
function, for files on other machines. :class:`ItemImages` reads data sets of torch or Hugging Face.
'''

from imblearn_images.core.elsewhere import ItemImages, RemoteReader
from imblearn_images.core.images import ArrayImages, FileImages, Images, StoreImages, open_images
from imblearn_images.core.rendering import DrawnImages

__all__ = [
    "ArrayImages",
    "DrawnImages",
    "FileImages",
    "Images",
    "ItemImages",
    "RemoteReader",
    "StoreImages",
    "open_images",
]
