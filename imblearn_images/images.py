'''Homes of pixels: where images live, and how to write such a home yourself.

A sampler does not ask what `X` is. It opens it once, as :class:`Images`, and reads it row by
row; arrays are one such home (:class:`ArrayImages`), files another (:class:`FileImages`).
Whatever else holds your images, a database, an archive, a store of chunks, a function that
draws them, becomes one more in about fifteen lines, and goes as `X` wherever an array does:
samplers, ensembles, embeddings, ``compare_resamplers``, ``render``, cross-validation.

How to write a home of pixels
-----------------------------

Derive from :class:`Images`, and say four things: how many images there are, of which dtype,
of which shape each of them is, and how rows are read into an array that is given:

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

A sampler that only selects reads nothing. It gives a smaller set back, which remembers where it
came from:

>>> some, _ = RandomUnderSampler(random_state=0).fit_resample(discs, labels)
>>> isinstance(some, Images), len(some)
(True, 4)

What has to hold:

- ``read(rows, out)`` writes into `out`, shape (len(rows), ...), in the dtype of the set, and
  keeps no reference to it. It is called from several threads at once, with the rows in any
  order, some of them more than once; reading one row twice gives the same pixels.
- A home can be pickled: what cannot, an open file or a connection, is opened again where it is
  needed.
- Shapes may differ. Then ``read`` resizes an image whose size is not that of `out`.
- ``uniform``, ``subset``, ``pixels`` and ``look_at`` follow from these four. Write them where you
  know better: ``uniform`` asks every row for its shape, ``pixels`` copies what is read into a
  temporary file.

A sampler behind another needs no stored pixels: the rows of a plan are a home, too, each of
them drawn when it is read.

>>> from imblearn_images.images import DrawnImages
>>> smote = SMOTE(k_neighbors=1, random_state=0)
>>> _, y_res = smote.fit_resample(discs, labels)
>>> DrawnImages(smote.plan_, discs)
DrawnImages(8 images)

Files that this library cannot read need no home of their own, only a function that reads one:
``FileImages(paths, reader=pydicom_pixels)``, or
``load_image_folder(folder, reader=numpy.load, suffixes=[".npy"])``. :class:`RemoteReader` is such a
function, for files on other machines. A data set of torch or Hugging Face is :class:`ItemImages`.
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
