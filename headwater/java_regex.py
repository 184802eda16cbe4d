r"""Java's regular expressions and replacements, as configurations of Kafka Connect have them, on Python's ``re``.

What is written differently is translated: ``(?<name>…)``, ``\k<name>``, ``\Q…\E``, ``\p{Alpha}`` and the other POSIX
classes, ``\h``, ``\z``, ``\Z``; ``$1`` and ``${name}`` in replacements. ``\d``, ``\w``, ``\s`` and ``\b`` mean ASCII,
as they do in Java. What has no counterpart (intersections ``[a-z&&[^x]]``, other ``\p`` classes) is refused.

Source: ``java.util.regex.Pattern`` and ``Matcher.appendReplacement`` (Java 17).
"""

from __future__ import annotations

import re
import warnings

_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0b\f\r",
}
_TOKEN = re.compile(
    r"""\\Q(?P<quoted>.*?)(?:\\E|\Z) | \\(?P<negated>[pP])\{(?P<posix>\w+)\} | \\k<(?P<back>\w+)>
    | (?P<escaped>\\.) | \(\?<(?P<group>[A-Za-z]\w*)> | (?P<plain>.)""",
    re.DOTALL | re.VERBOSE,
)
_REPLACEMENT = re.compile(r"\\(?P<escaped>.)|\$\{(?P<name>[A-Za-z]\w*)\}|\$(?P<number>\d+)|(?P<wrong>[$\\])", re.DOTALL)


def compile_java(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """The expression in Python. Raises ValueError where it is none, or has no counterpart."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of ``||`` in a class, nothing in Java
            return re.compile(_translated(pattern), re.ASCII | flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None


def check_java(pattern: str | None) -> str | None:
    """A validator of options."""
    try:
        compile_java(pattern or "")
    except ValueError as error:
        return str(error)
    return None


def _translated(pattern: str) -> str:
    parts: list[str] = []
    in_class = False
    for token in _TOKEN.finditer(pattern):
        text, plain = token.group(), token["plain"]
        if token["quoted"] is not None:
            parts.append(re.escape(token["quoted"]))
        elif token["posix"]:
            parts.append(_posix(token["posix"], negated=token["negated"] == "P", in_class=in_class, pattern=pattern))
        elif token["back"]:
            parts.append(f"(?P={token['back']})")
        elif token["group"]:
            parts.append(f"(?P<{token['group']}>" if not in_class else text)
        elif token["escaped"]:
            parts.append(_ESCAPES.get(text, text) if not in_class else text)
        elif in_class and (plain == "[" or pattern.startswith("&&", token.start())):
            raise ValueError(f"{pattern!r} has a class within a class, which is not supported: write it as one")
        else:
            if plain == "[" or (plain == "]" and in_class):
                in_class = plain == "["
            parts.append(text)
    return "".join(parts)


_ESCAPES = {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)", r"\h": r"[ \t\xa0]"}


def _posix(name: str, *, negated: bool, in_class: bool, pattern: str) -> str:
    members = _POSIX.get(name)
    if members is None or (negated and in_class):
        raise ValueError(rf"{pattern!r} has \p{{{name}}}, which is not supported here")
    return members if in_class else f"[{'^' if negated else ''}{members}]"


def replace_first(pattern: re.Pattern[str], text: str, replacement: str) -> str:
    """``Matcher.replaceFirst``. Raises ValueError for a replacement that refers to no group."""
    found = pattern.search(text)
    if found is None:
        return text
    return text[: found.start()] + _expanded(found, replacement) + text[found.end() :]


def _expanded(found: re.Match[str], replacement: str) -> str:
    groups = found.re.groups

    def part(token: re.Match[str]) -> str:
        if token["escaped"] is not None:
            return token["escaped"]
        if token["name"] is not None:
            if token["name"] not in found.re.groupindex:
                raise ValueError(
                    f"{replacement!r} refers to {{{token['name']}}}, a group that {found.re.pattern!r} lacks"
                )
            return found[token["name"]] or ""
        if token["number"] is None:
            raise ValueError(
                f"{replacement!r} has a {token['wrong']!r} that stands for nothing: write it as \\{token['wrong']}"
            )
        # The first digit always counts; the others as long as there is such a group.
        digits = token["number"]
        length = max((size for size in range(1, len(digits) + 1) if int(digits[:size]) <= groups), default=0)
        if length == 0:
            raise ValueError(f"{replacement!r} refers to group {digits[0]}, which {found.re.pattern!r} lacks")
        return (found[int(digits[:length])] or "") + digits[length:]

    return _REPLACEMENT.sub(part, replacement)
