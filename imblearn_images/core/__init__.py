"""The core: images, embedding, planning, the plan, synthesis, rendering.

Nothing here knows the classes that users import; the arrows run one way, down this list:

- ``planning`` decides, by listening to imbalanced-learn; ``plan`` is the decision
- ``embedding`` says what "near" means; ``neighbors`` finds what is near; ``tracing`` tells
  what the rows that a sampler makes are made of
- ``rendering`` carries a plan out; ``smoothing`` draws the smoothed bootstrap
- ``subsets`` hands rows of an image set to estimators
- ``images`` say where pixels live; ``files`` is one image file; ``containers`` are how
  callers hold images; ``memory`` refuses what does not fit
"""
