"""Headwater: change data capture and the transactional outbox for Python."""

from importlib.metadata import version

__version__ = version("headwater")
