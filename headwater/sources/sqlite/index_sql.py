"""What a CREATE INDEX statement says beyond what SQLite's pragmas tell: expressions, and the condition of a part."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] | --[^\n]* | /\*.*?(?:\*/|\Z) | \w+ | \s+ | .""",
    re.VERBOSE | re.DOTALL,
)
_ORDER = re.compile(r"\s+(?:ASC|DESC)\s*\Z", re.IGNORECASE)


def read_index(sql: str) -> tuple[list[str], str]:
    """The indexed terms as they are written, without their order; and the condition, empty where there is none.

    ``sql`` is a statement that SQLite has taken.
    """
    tokens = [token for token in _TOKEN.findall(sql) if not token.startswith(("--", "/*"))]
    start = tokens.index("(")  # names in quotes are one token
    terms, depth, end = [""], 1, start + 1
    while depth:
        token = tokens[end]
        depth += (token == "(") - (token == ")")
        if depth == 1 and token == ",":
            terms.append("")
        elif depth:
            terms[-1] += token
        end += 1
    rest = "".join(tokens[end:]).strip()
    return [_ORDER.sub("", term).strip() for term in terms], re.sub(r"\AWHERE\s*", "", rest, flags=re.IGNORECASE)
