"""CQRS's read side: a table or collection that is kept up to date from change events, and can be rebuilt from them."""

from headwater.projection.errors import ViewError
from headwater.projection.projection import Projection
from headwater.projection.view import Change, Truncation, View

__all__ = ["Change", "Projection", "Truncation", "View", "ViewError"]
