"""The command ``imblearn-images``."""

# `main` parses, runs one command and turns what it raises into a message and an exit code. The
# commands are `folders`, `boxes`, `compare` with its `report` and `estimators`, and `demo`; they
# share `arguments`, and `words` for what users call samplers. `console`, `spelling`, `remarks` and
# `interrupts` are between them and the terminal: what they print, and what becomes of Ctrl-C.
