"""The core: images, embedding, planning, the plan, synthesis, rendering.

Nothing here knows the classes that users import. Imports run down this list:

- ``gap``: how easily synthetic images can be told from real ones
- ``listening``: what imbalanced-learn decides, read off rows that remember their sources
- ``planning``: labels + embedding -> plan: parents, seeds, the accept rule
- ``similarity``: which images look alike; ``embedding``: the features in which "near" is measured
- ``estimators``: hand rows of an image set to estimators; ``writing``: synthetic images as files
- ``carrying``: what belongs to the pixels of images, through a plan
- ``rendering``: plan + images -> pixels
- ``elsewhere``: images of other libraries' data sets, and on other machines
- ``synthesis``: how one image is drawn from its parents; ``images``: where pixels live;
  ``duplicates``: which images are the same picture
- ``plan``: the decision; ``saving``: a plan as a file; ``rules``: how plans draw where no synthesis
  was given, and the questions that every rule answers
- ``validation``: what cannot be images with labels; ``containers``: how callers hold images;
  ``targets``: labels; ``columns``: groups, and whatever else has one value for each image;
  ``annotations``: the objects of a set of images; ``multilabel``: several labels per image;
  ``repeats``: how often to show each image, so that labels that share images reach targets;
  ``regular``: files that never wait for a writer
- ``neighbors``, ``hog``: exact neighbours, and features that show shapes; ``splitting``: which
  images validate; ``files``: reading and writing one file or many;
  ``modes``: the array that each mode of Pillow becomes
- ``geometry``: where boxes, outlines and points of a parent are in a drawn image
- ``layers``: where things are in a drawn image; ``masks``: of objects; ``pixels``: every rule on
  dtype, unit, rounding and clipping; ``dealing``: which images of a class come next, epoch after
  epoch; ``paths``: of very many files; ``calibration``, ``limits``, ``memory``, ``parallel``,
  ``progress``, ``text``: tools that need nothing else
"""
