"""The core: images, embedding, planning, the plan, synthesis, rendering.

Nothing here imports the face, which hands on what users need of it: plans, homes of pixels,
annotations, rendering. Imports run down this list, from floor to floor:

- what is done with a plan: ``writing``: synthetic images as files; ``carrying``: boxes, masks and
  label maps through a plan; ``gap``: how easily synthetic images can be told from real ones
- ``planning``: labels + embedding -> plan: parents, seeds, the accept rule
- ``rendering``: plan + images -> pixels; ``embedding``: the features in which "near" is measured,
  and in which real and synthetic images are compared
- ``listening``: what imbalanced-learn decides, read off rows that remember their sources;
  ``synthesis``: how one image is drawn from its parents; ``estimators``: images in the form that
  estimators take
- ``plan``: the decision; ``images``: where pixels live; ``duplicates``: which images are the same
  picture
- ``saving``: a plan as a file; ``files``: reading and writing one image file or many
- ``rules``: how plans draw where no synthesis was given, and the questions that every rule answers;
  ``annotations``: the objects of a set of images, and their masks; ``multilabel``: several labels
  per image, and how often to repeat images so that their labels reach targets; ``validation``:
  what cannot be images with labels; ``neighbors``, ``hog``: exact neighbours, and features that
  show shapes; ``splitting``: which images validate; ``disk``: files that are whole or absent
- what needs nothing else: ``containers``: how callers hold images; ``columns``: how they hold
  labels and groups; ``layers``: where things are in a drawn image; ``pixels``: every rule on dtype,
  unit, rounding and clipping; ``memory``, ``parallel``, ``text``
"""
