"""``python -m imblearn_images`` is the command ``imblearn-images``."""

import sys

from imblearn_images._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
