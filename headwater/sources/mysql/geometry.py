"""MySQL's geometry values: four bytes of SRID, then well-known binary; Debezium's structs of them.

Source: https://dev.mysql.com/doc/refman/9.4/en/gis-data-formats.html; ``io.debezium.data.geometry``.
"""

from __future__ import annotations

import struct
from typing import Any

SRID_SIZE = 4
POINT = struct.Struct("<BIdd")
"""A point's well-known binary: byte order, type, x, y."""


def geometry(data: bytes) -> dict[str, Any]:
    """``io.debezium.data.geometry.Geometry``; no SRID is null. Raises ValueError."""
    if len(data) <= SRID_SIZE:
        raise ValueError(f"a geometry of {len(data)} bytes")
    return {"wkb": data[SRID_SIZE:], "srid": int.from_bytes(data[:SRID_SIZE], "little", signed=True) or None}


def point(data: bytes) -> dict[str, Any]:
    """``io.debezium.data.geometry.Point``. Raises ValueError."""
    if len(data) != SRID_SIZE + POINT.size:
        raise ValueError(f"a point of {len(data)} bytes")
    _, _, x, y = POINT.unpack_from(data, SRID_SIZE)
    return {"x": x, "y": y, **geometry(data)}
