"""``sasl.jaas.config``: the sign-in that Java's clients take, as librdkafka's settings.

The grammar is that of a JAAS login configuration's entry with one module, as
``org.apache.kafka.common.security.JaasConfig`` reads it::

    package.LoginModule required option="value" …;
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s=;"']+)|([=;]))""", re.DOTALL)
_FLAGS = {"required", "requisite", "sufficient", "optional"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def sasl_settings(jaas: str) -> dict[str, str]:
    """librdkafka's settings for the login module that ``jaas`` names.

    Raises ValueError, whose text never holds anything of ``jaas`` but the module's class name.
    """
    module, options = _parse(jaas)
    translate = _MODULES.get(module.rpartition(".")[2])
    if translate is None:
        known = ", ".join(_MODULES)
        raise ValueError(f"the login module {module} has no counterpart in librdkafka; those that have: {known}")
    return translate(options)


def _parse(jaas: str) -> tuple[str, dict[str, str]]:
    """The module's class name and its options."""
    tokens = _tokens(jaas)
    if len(tokens) < 3 or tokens[1].lower() not in _FLAGS or tokens[-1] != ";":
        raise ValueError("must read '<login module> required name=\"value\" …;', the semicolon included")
    module, _flag, *pairs, _end = tokens
    if not re.fullmatch(r"[\w.$]+", module):
        raise ValueError("must start with the class name of a login module")
    names, signs, values = pairs[0::3], pairs[1::3], pairs[2::3]
    if len(pairs) % 3 or set(signs) - {"="}:
        raise ValueError('the login module\'s options must read name="value", separated by spaces')
    return module, dict(zip(names, values, strict=True))


def _tokens(jaas: str) -> list[str]:
    tokens, position, text = [], 0, jaas.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError("has a quotation mark that is never closed")
        double, single, bare, sign = match.groups()
        quoted = double if double is not None else single
        tokens.append(bare or sign if quoted is None else _ESCAPE.sub(r"\1", quoted))
        position = match.end()
    return tokens


def _password(options: dict[str, str]) -> dict[str, str]:
    if options.get("tokenauth", "false").lower() == "true":
        raise ValueError("sign-in with a delegation token (tokenauth) has no counterpart in librdkafka")
    if missing := [name for name in ("username", "password") if name not in options]:
        raise ValueError(f"the login module's {' and '.join(missing)} must be given")
    return {"sasl.username": options["username"], "sasl.password": options["password"]}


_OIDC = {
    "clientId": "sasl.oauthbearer.client.id",
    "clientSecret": "sasl.oauthbearer.client.secret",
    "scope": "sasl.oauthbearer.scope",
}


_EXTENSION = "extension_"


def _oidc(options: dict[str, str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    extensions: list[str] = []
    for name, value in options.items():
        if name.startswith(_EXTENSION):
            extensions.append(f"{name.removeprefix(_EXTENSION)}={value}")
        elif name in _OIDC:
            settings[_OIDC[name]] = value
        else:
            raise ValueError(f"the login module's {name} has no counterpart in librdkafka")
    return settings | ({"sasl.oauthbearer.extensions": ",".join(extensions)} if extensions else {})


_MODULES: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "PlainLoginModule": _password,
    "ScramLoginModule": _password,
    "OAuthBearerLoginModule": _oidc,
}
