"""Names for Python: of classes, fields and variables, made of names that anything may stand in."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OF_BASE_MODEL = _words("""
    construct copy dict from_orm json parse_file parse_obj parse_raw schema schema_json update_forward_refs validate
    model_computed_fields model_config model_construct model_copy model_dump model_dump_json model_extra model_fields
    model_fields_set model_json_schema model_parametrized_name model_post_init model_rebuild model_validate
    model_validate_json model_validate_strings
""")
"""What Pydantic's ``BaseModel`` has, so that a field of the name would take its place."""
PROTECTED_BY_PYDANTIC = ("model_validate", "model_dump")
"""What Pydantic warns of where a field's name begins so."""
RESERVED_FIELDS = _words("""
    Annotated Any Column Decimal Field MicroDuration MicroTime MicroTimestamp NanoDuration NanoTime NanoTimestamp Time
    Timestamp UUID bool bytes dict dt float int list scale set str
""")
"""What annotations are made of: after a field of the name and its default, it would mean that default."""
RESERVED_CLASSES = RESERVED_FIELDS | {"AvroDeserializer", "BaseModel", "ChangeEvents", "OutboxEvents", *dir(builtins)}


class Namer:
    """Gives names that are each other's and none of those ``reserved``."""

    def __init__(self, reserved: frozenset[str] = frozenset()) -> None:
        self._taken = set(reserved)

    def name(self, wanted: str) -> str:
        """``wanted`` if it can be had, else with an underscore or a number behind it."""
        name, number = wanted, 1
        while name in self._taken or keyword.iskeyword(name):
            name = f"{wanted}_" if number == 1 else f"{wanted}_{number}"
            number += 1
        self._taken.add(name)
        return name


def field_name(text: str) -> str:
    """A name for a field or variable; the same one where it is one already and doesn't begin with an underscore."""
    return _identifier(text, "field")


def class_name(text: str) -> str:
    """A name for a class: ``order_items`` and ``order.items`` become ``OrderItems``."""
    words = re.findall(r"[^\W_]+", text)
    return _identifier("".join(word[:1].upper() + word[1:] for word in words), "Model")


def variable_name(text: str) -> str:
    """``OrderItems`` becomes ``order_items``."""
    spaced = re.sub(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[^\W_])(?=[A-Z][a-z])", "_", class_name(text))
    return spaced.lower()


def _identifier(text: str, otherwise: str) -> str:
    name = unicodedata.normalize("NFKC", re.sub(r"\W", "_", text)).lstrip("_")
    if not name:
        return otherwise
    return name if name.isidentifier() else f"{otherwise}_{re.sub(r'[^0-9A-Za-z_]', '_', name)}"


def literal(text: str) -> str:
    """Python source of a string, between double quotes where that takes no escapes."""
    source = repr(text)
    return source if source[0] == '"' or '"' in source else f'"{source[1:-1]}"'


def comment(text: str) -> str:
    """Text for a comment of one line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
