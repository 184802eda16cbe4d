"""BSON documents and what Debezium's MongoDB connector writes for them; unit tests read it from extended_json.jsonl.

    python -m tests.recordings.extended_json

records it anew, by hand, when a document is added.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.bson_documents import (
    ARRAY,
    BINARY,
    BOOLEAN,
    CODE,
    CODE_WITH_SCOPE,
    DATE,
    DB_POINTER,
    DECIMAL128,
    DOCUMENT,
    DOUBLE,
    INT32,
    INT64,
    MAX_KEY,
    MIN_KEY,
    NULL,
    OBJECT_ID,
    REGEX,
    STRING,
    SYMBOL,
    TIMESTAMP,
    UNDEFINED,
    array,
    binary,
    code_with_scope,
    decimal128,
    document,
    double,
    int32,
    int64,
    nested,
    regex,
    string,
    timestamp,
)
from tests.conformance.reference import ExtendedJsonReference

RECORDING = Path(__file__).with_suffix(".jsonl")
ID = bytes.fromhex("65e000000000000000001000")
UUID = bytes.fromhex("123e4567e89b12d3a456426614174000")
LARGEST_COEFFICIENT = 10**34 - 1


@dataclass(frozen=True)
class Recorded:
    """A document, and its texts by `headwater.sources.mongodb.extended_json.Form`: of the key, that of its ``_id``."""

    name: str
    document: bytes
    texts: dict[str, str]


def recorded() -> list[Recorded]:
    """All documents, in the recording's order."""
    lines = map(json.loads, RECORDING.read_text().splitlines())
    return [Recorded(line["name"], bytes.fromhex(line["document"]), line["texts"]) for line in lines]


def order() -> bytes:
    """An outbox document as services write it."""
    items = [document((OBJECT_ID, b"productId", ID), (INT32, b"quantity", int32(count))) for count in (1, 8, 300)]
    address = document(
        (STRING, b"street", string("Rua das Flores 12")),
        (STRING, b"city", string("São Paulo")),
        (STRING, b"postalCode", string("01310")),
        (STRING, b"country", string("BR")),
    )
    payload = document(
        (OBJECT_ID, b"customerId", ID),
        (INT64, b"price", int64(109900)),
        (STRING, b"paymentOrderStatus", string("PENDING")),
        (ARRAY, b"items", array(*((DOCUMENT, item) for item in items))),
        (DOCUMENT, b"address", address),
    )
    return document(
        (OBJECT_ID, b"_id", ID),
        (DOCUMENT, b"payload", payload),
        (DATE, b"createdAt", int64(1709208000000)),
        (STRING, b"outboxStatus", string("STARTED")),
    )


def one(kind: int, value: bytes) -> bytes:
    """A document whose ``_id`` is the value, which is also in an array and beside another field."""
    return document(
        (kind, b"_id", value), (ARRAY, b"list", array((kind, value), (kind, value))), (kind, b"again", value)
    )


DOCUMENTS = {
    "an order": order(),
    "nothing": document(),
    "no _id": document((INT32, b"a", int32(1))),
    "empty within": document((DOCUMENT, b"_id", document()), (ARRAY, b"a", document()), (NULL, b"b", b"")),
    **{
        f"double {number!r}": one(DOUBLE, double(number))
        for number in (
            0.0,
            -0.0,
            0.1,
            3.0,
            1 / 3,
            0.001,
            9.999e-4,
            9999999.0,
            1e7,
            -1.5e-7,
            1e21,
            1e300,
            5e-324,
            1.5e15,
            float("nan"),
            float("inf"),
            float("-inf"),
        )
    },
    **{
        f"string {name}": one(STRING, string(text))
        for name, text in {
            "empty": "",
            "escapes": '"q" \\ / \b\f\n\r\t <>&\'',
            "controls": "\0\x01\x1b\x1f\x7f\x80\x85\xa0\xad",
            "marks": "e\u0301 \u0e33\u0e34 \u200b\u200d\u2028\u2029 \ufeff \ue000 \uffff",
            "letters": "Å é ü 漢字 한글 ಠ ʰ ª º € − ½ Ⅷ",
            "beyond U+FFFF": "😀𝒳\U0010ffff",
            "no UTF-8": b"a\xffb\xc3",
            "half a pair": b"\xed\xa0\xbd|\xed\xb8\x80|\xed\xa0",
            "overlong": b"\xc0\x80\xe0\x80\x80\xf5\x80\x80\x80",
            "one byte, no UTF-8": b"\x80",
        }.items()
    },
    "document": one(DOCUMENT, document((INT32, b"b", int32(1)), (DOCUMENT, b"a", document((OBJECT_ID, b"c", ID))))),
    "array": document((ARRAY, b"a", array((INT32, int32(1)), (ARRAY, array((NULL, b""), (ARRAY, array())))))),
    "array of documents": document(
        (ARRAY, b"a", array(*((DOCUMENT, document((INT32, b"k", int32(n)))) for n in (1, 2))))
    ),
    **{f"binary {subtype}": one(BINARY, binary(subtype, UUID)) for subtype in (0, 1, 2, 3, 4, 5, 6, 128, 255)},
    "binary, empty": one(BINARY, binary(0, b"")),
    "old binary, empty": one(BINARY, binary(2, b"")),
    "undefined": one(UNDEFINED, b""),
    "object id": one(OBJECT_ID, ID),
    "true": one(BOOLEAN, b"\1"),
    "false": one(BOOLEAN, b"\0"),
    **{
        f"date {milliseconds}": one(DATE, int64(milliseconds))
        for milliseconds in (
            0,
            1,
            100,
            1709210096780,
            1709210096789,
            -1,
            253402300799999,
            253402300800000,
            2**63 - 1,
            -(2**63),
        )
    },
    "null": one(NULL, b""),
    "regex": one(REGEX, regex('^a/"b\\d+$', "xmi")),
    "regex with odd options": one(REGEX, regex("", "ü😀b\U00010000a")),
    "db pointer": one(DB_POINTER, string("db.c\u200b") + ID),
    "code": one(CODE, string('function() { return "x" }')),
    "symbol": one(SYMBOL, string("a\tb")),
    "code with scope": one(
        CODE_WITH_SCOPE, code_with_scope("y\n", document((INT64, b"y", int64(1)), (NULL, b"z", b"")))
    ),
    "code with empty scope": one(CODE_WITH_SCOPE, code_with_scope("", document())),
    **{f"int32 {number}": one(INT32, int32(number)) for number in (0, -1, 2**31 - 1, -(2**31))},
    **{f"int64 {number}": one(INT64, int64(number)) for number in (0, 5, -1, 2**53 + 1, 2**63 - 1, -(2**63))},
    "timestamp": one(TIMESTAMP, timestamp(1709210096, 7)),
    "timestamp, unsigned": one(TIMESTAMP, timestamp(2**32 - 1, 2**32 - 1)),
    **{
        f"decimal {coefficient}E{exponent}": one(
            DECIMAL128, decimal128(abs(coefficient), exponent, negative=coefficient < 0)
        )
        for coefficient, exponent in (
            (0, 0),
            (0, -2),
            (0, 3),
            (0, -7),
            (1, 0),
            (110, -2),
            (-5, -1),
            (1, -6),
            (1, -7),
            (12, -8),
            (1, 1),
            (12, 1),
            (1, 6111),
            (1, -6176),
            (-LARGEST_COEFFICIENT, 0),
            (LARGEST_COEFFICIENT, -34),
            (LARGEST_COEFFICIENT, 6111),
        )
    },
    "decimal -0.00": one(DECIMAL128, decimal128(0, -2, negative=True)),
    "decimal with 35 digits": one(DECIMAL128, decimal128(2**113 - 1, 0)),
    "decimal with too many digits": one(DECIMAL128, (3 << 125 | 5).to_bytes(16, "little")),
    "decimal NaN": one(DECIMAL128, (0x1F << 122).to_bytes(16, "little")),
    "decimal -NaN": one(DECIMAL128, (0x3F << 122).to_bytes(16, "little")),
    "decimal Infinity": one(DECIMAL128, (0x1E << 122).to_bytes(16, "little")),
    "decimal -Infinity": one(DECIMAL128, (0x3E << 122).to_bytes(16, "little")),
    "min key": one(MIN_KEY, b""),
    "max key": one(MAX_KEY, b""),
    "names": document(
        (INT32, b"_id", int32(1)),
        *(
            (INT32, name.encode(), int32(1))
            for name in ("a.b", "$set", "ünï 漢", "with space", 'q"uote', "back\\", "", "\n")
        ),
        (INT32, b"\xff", int32(1)),
    ),
    "names that repeat": document(
        (INT32, b"_id", int32(1)),
        (INT32, b"a", int32(1)),
        (STRING, b"b", string("b")),
        (STRING, b"a", string("the last counts, in the place of the first")),
        (INT32, b"_id", int32(2)),
    ),
    "names that repeat, in part only as text": document((INT32, b"\xff", int32(1)), (INT32, b"\xfe", int32(2))),
    "names that repeat on another level": document(
        (DOCUMENT, b"a", document((INT32, b"b", int32(1)), (INT32, b"c", int32(2)))),
        (INT32, b"b", int32(3)),
        (DOCUMENT, b"c", document((INT32, b"a", int32(4)), (DOCUMENT, b"a", document((INT32, b"b", int32(5)))))),
    ),
    "like extended JSON": document((DOCUMENT, b"_id", document((STRING, b"$oid", string("65e0"))))),
    "nested deep": nested(120),
}


if __name__ == "__main__":
    with ExtendedJsonReference() as java, RECORDING.open("w") as file:
        for name, data in DOCUMENTS.items():
            line = {"name": name, "document": data.hex(), "texts": java.texts(data)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
