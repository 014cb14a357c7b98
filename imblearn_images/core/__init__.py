"""The core: images, embedding, planning, the plan, rendering.

Nothing here knows the classes that users import. Imports run down this list:

- ``subsets`` hand rows of an image set to estimators; ``splitting`` and ``store`` build data
  sets on disk, with their ``labels``, ``records`` and ``manifest``
- ``planning`` decides, by listening to imbalanced-learn; ``tracing`` tells what the rows
  that a sampler makes are made of
- ``embedding`` says what "near" means, ``thumbnails`` are the smallest of them; ``neighbors``
  finds what is near
- ``decoding`` brings children back from an embedding; ``generators`` are asked for images of a
  class
- ``smoothing`` draws the smoothed bootstrap; ``rendering`` carries a plan out
- the ``plan`` is the decision
- ``images`` say where pixels live; ``survey`` looks at many files, ``files`` is one of them
- ``containers`` are how callers hold images; ``parallel`` spreads tasks over threads;
  ``memory`` refuses what does not fit
"""
