"""Language tags. On the wire every language is a BCP-47 tag; engines map it to the codes of their models."""

import re
from dataclasses import dataclass
from typing import Self

from maatu_runtime.errors import UnsupportedLanguage

_TAG = re.compile(r"(?P<code>[A-Za-z]{2,3})(?:-(?P<script>[A-Za-z]{4}))?(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?")


@dataclass(frozen=True)
class Language:
    """A language as people name it: "kn-IN" is Kannada as spoken in India (RFC 5646; extensions are not used here)."""

    code: str
    """ISO 639 code, lower case: "kn"."""
    script: str = ""
    """ISO 15924 code where given: "Latn"."""
    region: str = ""
    """ISO 3166 or UN M.49 code where given: "IN"."""

    @classmethod
    def parse(cls, tag: str, *, field: str = "language_code") -> Self:
        """Reads a tag such as "kn", "kn-IN" or "sr-Latn-RS".

        Raises:
            UnsupportedLanguage: the tag is empty or malformed; `field` names the request field.
        """
        match = _TAG.fullmatch(tag)
        if match is None:
            raise UnsupportedLanguage(
                f'"{tag[:40]}" is no language tag: give one like "kn-IN" or "es" (BCP 47)', field=field
            )
        return cls(match["code"].lower(), (match["script"] or "").capitalize(), (match["region"] or "").upper())

    def matches(self, other: "Language") -> bool:
        """Whether both are the same language, whatever their region and script."""
        return self.code == other.code

    def __str__(self) -> str:
        return "-".join(part for part in (self.code, self.script, self.region) if part)
