"""E-mail addresses and web addresses: "example dot com". What follows the host of a web address is not spoken."""

import re

from maatu_runtime.language import Language
from maatu_tts.spoken.cardinals import digits
from maatu_tts.spoken.rule import END_OF_WORD, Rule
from maatu_tts.spoken.words.letters import ADDRESS_SIGNS

_HOST = r"(?P<host>[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,5})"
_EMAIL = re.compile(rf"(?P<user>[A-Za-z0-9][A-Za-z0-9._+\-]{{0,63}})@{_HOST}{END_OF_WORD}")
_URL = re.compile(rf"(?P<scheme>https?://)?(?P<www>www\.)?{_HOST}{END_OF_WORD}(?!@)(?P<rest>[/?#:][^\s<>]{{0,1000}})?")
# Without a scheme "end.Then" would be an address too.
_DOMAINS = (".com", ".org", ".net", ".edu", ".gov", ".io", ".ai", ".app", ".dev", ".co.in", ".gov.in", ".co.uk")
_PARTS = re.compile(r"[A-Za-z]+|[0-9]+|[.\-_+]")
_CLOSING = ".,;:!?)]}\"'…।»”’"
_ENGLISH_SIGNS = {"-": "dash", "_": "underscore", "+": "plus"}


def rules(language: Language) -> list[Rule]:
    """Those of a language."""
    if language.code not in ADDRESS_SIGNS:
        return []
    at, dot = ADDRESS_SIGNS[language.code]
    signs = {".": dot, **(_ENGLISH_SIGNS if language.code == "en" else {})}

    def say(name: str) -> str | None:
        words = [
            digits(part, language) if part.isdigit() else signs.get(part) if part in ".-_+" else part
            for part in _PARTS.findall(name)
        ]
        return None if None in words else " ".join(filter(None, words))

    def email(match: re.Match[str]) -> str | None:
        user, host = say(match["user"]), say(match["host"])
        return f"{user} {at} {host}" if user and host else None

    def url(match: re.Match[str]) -> str | None:
        host = match["host"]
        if not (match["scheme"] or match["www"] or host.lower().endswith(_DOMAINS)) or not host[-1].isalpha():
            return None
        rest = match["rest"] or ""
        words = say(host)
        return words + rest[len(rest.rstrip(_CLOSING)) :] if words else None

    return [Rule("e-mail address", _EMAIL, email), Rule("web address", _URL, url)]
