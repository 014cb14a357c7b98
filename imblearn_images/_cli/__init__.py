"""The command ``imblearn-images``."""
