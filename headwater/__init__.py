"""Headwater: change data capture and the transactional outbox for Python."""

from importlib.metadata import version

from headwater import compiled

compiled.choose()

__version__ = version("headwater")
