"""The command: `python -m bench`, see ``--help``."""
