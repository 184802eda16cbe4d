"""Documents and changes of them that the MongoDB conformance tests make: every BSON type, every kind of update."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from typing import Any

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database

Document = dict[str, Any]
UUID = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")
TEXT = 'text é ü 漢字 😀 "q" \\ back / <>&\' nul\0 bs\b ff\f nl\n cr\r tab\t esc\x1b del\x7f ls\u2028 nel\u0085'

COLLECTIONS = ("deprecated", "fence", "ids", "images", "mixed", "names", "pairs_a", "pairs_b", "types", "updates")


def object_id(number: int) -> ObjectId:
    return ObjectId(f"{0x65E000000000000000000000 + number:024x}")


def every_type(_id: object) -> Document:
    """A value of each type at its edges."""
    numbers = {
        "double": [0.1, 3.0, -0.0, 1e300, 5e-324, 1e21, 1 / 3, float("nan"), float("inf"), float("-inf"), 1e-3, 1e7],
        "int32": [0, 2**31 - 1, -(2**31)],
        "int64": [Int64(value) for value in (5, 2**53 + 1, 2**63 - 1, -(2**63))],
        "decimal": [
            Decimal128(text)
            for text in (
                "1.10",
                "1234567890123456789012345678901234",
                "1E+6000",
                "0.000000001",
                "NaN",
                "-Infinity",
                "-0.00",
            )
        ],
        "date": [DatetimeMS(value) for value in (0, -1, 1709210096789, 253402300799999, 2**63 - 1, -(2**63))],
        "timestamp": [Timestamp(1709210096, 7), Timestamp(2**32 - 1, 2**32 - 1)],
    }
    return {
        "_id": _id,
        **numbers,
        "string": [TEXT, ""],
        "document": {"z": 1, "a": {"deep": {"x": None}}, "empty": {}},
        "array": [1, [2, []], {"k": "v"}],
        "binary": [Binary(b"\0\1\2\xff", kind) for kind in (0, 1, 2, 5, 6, 128)],
        "uuid": [Binary(UUID.bytes_le, 3), Binary(UUID.bytes, 4), Binary(b"", 0)],
        "objectId": object_id(1),
        "boolean": [True, False],
        "null": None,
        "regex": Regex('^a/"b\\d+$', "im"),
        "code": [Code('function(){return "x"}'), Code("return y", {"y": 1})],
        "key": [MinKey(), MaxKey()],
        "dbref": [DBRef("other", object_id(2), "otherdb"), DBRef("other", 5)],
    }


def raw(*elements: bytes) -> RawBSONDocument:
    """A document that the driver would not write."""
    body = b"".join(elements)
    return RawBSONDocument((len(body) + 5).to_bytes(4, "little") + body + b"\0")


def deprecated() -> Iterator[RawBSONDocument]:
    """Types that MongoDB still reads, and a name that comes twice."""
    yield raw(b"\x10_id\0\1\0\0\0", b"\x10k\0\1\0\0\0", b"\x10k\0\2\0\0\0")
    yield raw(
        b"\x10_id\0\2\0\0\0", b"\x06undef\0", b"\x0esym\0\2\0\0\0s\0", b"\x0cptr\0\2\0\0\0c\0" + object_id(9).binary
    )


IDS: tuple[Any, ...] = (
    *(MinKey(), None, 1, Decimal128("1.10"), 1.5, Int64(2), Int64(2**53 + 1), "", 'strä"q'),
    *({"b": 1, "a": "x", "n": {"o": object_id(4)}}, Binary(b"\0\1", 0), Binary(UUID.bytes, 4), object_id(3), True),
    *(DatetimeMS(-1), DatetimeMS(1709164800000), Timestamp(5, 6)),
)
"""In MongoDB's order, which is that of our snapshot; Debezium's is that of insertion."""


def seed(number: int) -> Document:
    """What an update begins with."""
    return {
        "_id": number,
        "s": "a",
        "n": 1,
        "nest": {"x": 1, "y": {"z": "old", "w": 2}},
        "arr": [10, 20, 30, 40, 50],
        "docs": [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}],
        "dec": Decimal128("1.10"),
        "d": datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC),
    }


UPDATES: tuple[Any, ...] = (
    {
        "$set": {
            "nest.y.z": "new",
            "n": Int64(2),
            "dec": Decimal128("2.50"),
            "d": DatetimeMS(-86400000),
            "new": {"a": {"b": 1}},
            "oid": object_id(6),
            "f": float("nan"),
        }
    },
    {"$unset": {"s": 1, "nest.x": 1, "dec": 1}},
    {"$set": {"s": "b"}, "$inc": {"n": 5}, "$unset": {"nest.y": 1}, "$rename": {"d": "date"}},
    {"$push": {"arr": 60}},
    {"$push": {"arr": {"$each": [1, 2], "$position": 0}}},
    [{"$set": {"arr": {"$slice": ["$arr", 2]}}}],
    [{"$set": {"arr": {"$concatArrays": [{"$slice": ["$arr", 2]}, [99]]}, "nest.y.w": 3}}],
    {"$pop": {"arr": 1}, "$pull": {"docs": {"k": 1}}},
    {"$set": {"arr.1": 21, "docs.0.v": "changed"}},
    {"$set": {"arr": [], "nest": {}}},
    [{"$replaceWith": {"$setField": {"field": "dotted.name", "input": "$$ROOT", "value": 1}}}],
    {"$set": every_type(0) | {"_id": 12}},
)
"""The n-th is made to the document n (from 1)."""


def insert_all(database: Database[Document]) -> None:
    """Every type, every kind of ``_id``, odd names; and what the updates begin with."""
    database.types.insert_one(every_type(object_id(0)))
    for document in deprecated():
        database.deprecated.insert_one(document)
    for _id in IDS:
        database.ids.insert_one({"_id": _id, "v": 1})
    database.names.insert_one(
        {
            "_id": 1,
            "a.b": 1,
            "x": {"$set": 1, "c.d": {"e.f": 3}},
            "ünï 漢": 4,
            "with space": 5,
            'q"uote': 6,
            "back\\slash": 7,
            "": 8,
            "ctl\n": 9,
        }
    )
    database.mixed.insert_one({"_id": 1, "oid": {"$oid": "65e000000000000000000001"}, "nl": {"$numberLong": "5"}})
    database.updates.insert_many([seed(number) for number in range(1, len(UPDATES) + 4)])
    database.images.insert_many([seed(number) for number in range(1, 4)])


def change_all(database: Database[Document]) -> None:
    """Each document once, so that a lookup finds the same whenever it is made."""
    for number, update in enumerate(UPDATES, 1):
        database.updates.update_one({"_id": number}, update)
    last = len(UPDATES)
    database.updates.replace_one({"_id": last + 1}, {"replaced": True, "n": Int64(2)})
    database.updates.update_one({"_id": last + 2}, {"$set": {"n": 1}})  # changes nothing
    database.updates.delete_one({"_id": last + 3})
    database.updates.update_one({"_id": 99}, {"$set": {"up": "sert"}}, upsert=True)
    database.images.update_one({"_id": 1}, {"$set": {"n": 2}})
    database.images.delete_one({"_id": 2})
    database.ids.delete_many({})
    database.types.delete_many({})


def change_in_transactions(client: MongoClient[Document], database: Database[Document]) -> None:
    """Of several collections; one that is rolled back, and a change outside."""
    a, b = database.pairs_a, database.pairs_b
    with client.start_session() as session:
        with session.start_transaction():
            a.insert_one({"_id": 1, "v": "a1"}, session=session)
            b.insert_one({"_id": 1, "v": "b1"}, session=session)
            a.insert_many([{"_id": number} for number in range(10, 13)], session=session)
            b.insert_one({"_id": 2, "v": "b2"}, session=session)
        session.start_transaction()
        a.insert_one({"_id": 9}, session=session)
        session.abort_transaction()
        with session.start_transaction():
            b.delete_one({"_id": 2}, session=session)
    a.insert_one({"_id": 2, "v": "outside"})
