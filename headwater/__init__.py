"""Headwater: change data capture and the transactional outbox for Python."""

from headwater import compiled

compiled.choose()

__version__ = "0.1.0.dev0"  # asking the installed package for it would take a tenth of a worker's start
