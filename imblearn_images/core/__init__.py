"""The core: images, embedding, planning, the plan, rendering.

Nothing here knows the classes that users import. Imports run down this list:

- ``subsets`` hand rows of an image set to estimators; ``splitting`` and ``store`` build data
  sets on disk, with their ``labels``, ``records`` and ``manifest``
- ``planning`` decides, by listening to imbalanced-learn; ``tracing`` tells what the rows
  that a sampler makes are made of
- ``embedding`` says what "near" means, ``thumbnails`` are the smallest of them; ``neighbors``
  finds what is near
- ``acceptance`` has bad children drawn again; ``likeness`` says which images look alike
- ``rendering`` carries a plan out, ``writing`` puts its children into files, ``smoothing`` is the
  smoothed bootstrap
- ``decoding`` brings children back from an embedding; ``generators`` are asked for images of a
  class; ``ancestry`` tells what a resampled set shows of its source
- ``synthesis`` draws one child; ``kin`` are its possible parents; ``flow`` lies between two
  images; ``mixing`` holds all rules on dtype, rounding and clipping, ``pixels`` those on layout
  and unit; ``members`` of a list are parameters by name
- ``duplicates`` are the same picture, ``hog`` is what a picture looks like in numbers
- the ``plan`` is the decision; ``companions`` are carried along with the images
- ``images`` say where pixels live; ``survey`` looks at many files, ``files`` is one of them
- ``containers`` are how callers hold images; ``parallel`` spreads tasks over threads;
  ``memory`` refuses what does not fit, ``signatures`` what cannot be called
"""
