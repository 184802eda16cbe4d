"""What a CREATE INDEX statement says beyond what SQLite's pragmas tell: expressions, and the condition of a part."""

from __future__ import annotations

import re

_WORD = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] | --[^\n]* | /\*.*?(?:\*/|\Z) | \w+ | \s+ | .""",
    re.VERBOSE | re.DOTALL,
)
_ORDER = re.compile(r"\s+(?:ASC|DESC)\s*\Z", re.IGNORECASE)


def read_index(sql: str) -> tuple[list[str], str]:
    """The indexed terms as they are written, without their order; and the condition, empty where there is none.

    ``sql`` is a statement that SQLite has taken.
    """
    words = [word for word in _WORD.findall(sql) if not word.startswith(("--", "/*"))]
    start = words.index("(")  # names in quotes are one
    terms, depth, end = [""], 1, start + 1
    while depth:
        word = words[end]
        depth += (word == "(") - (word == ")")
        if depth == 1 and word == ",":
            terms.append("")
        elif depth:
            terms[-1] += word
        end += 1
    rest = "".join(words[end:]).strip()
    return [_ORDER.sub("", term).strip() for term in terms], re.sub(r"\AWHERE\s*", "", rest, flags=re.IGNORECASE)
