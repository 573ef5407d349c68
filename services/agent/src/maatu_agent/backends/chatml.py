"""The ChatML prompt format, as SmolLM2, Qwen and others read it, in tokens."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from maatu_agent.backends.base import Message, Role
from maatu_runtime.errors import ConfigurationError

START = "<|im_start|>"
END = "<|im_end|>"


class ChatMl:
    """Writes conversations as the tokens of a model, and reads its answers back.

    Args:
        tokenizer_json: The model's tokenizer in the Hugging Face format.

    Raises:
        ConfigurationError: The tokenizer does not know ChatML's marks.
    """

    def __init__(self, tokenizer_json: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer_json))
        for mark in (START, END):
            if self._tokenizer.token_to_id(mark) is None:
                raise ConfigurationError(f"{tokenizer_json.parent.name} does not speak ChatML: it has no token {mark}")
        # What people say may contain the marks; only those written here may have their meaning.
        self._tokenizer.encode_special_tokens = True

    def encode(self, messages: Iterable[Message]) -> list[str]:
        """The tokens of whole messages."""
        return [token for message in messages for token in self._message(message)]

    def header(self, role: Role) -> list[str]:
        """The tokens after which a message of that role begins."""
        return [START, *self._text(f"{role.value}\n")]

    def count(self, text: str) -> int:
        """Length of a text in tokens."""
        return len(self._text(text))

    def detokenizer(self) -> "Detokenizer":
        """For one answer."""
        return Detokenizer(self._tokenizer)

    def _message(self, message: Message) -> list[str]:
        return [START, *self._text(f"{message.role.value}\n{message.text}"), END, *self._text("\n")]

    def _text(self, text: str) -> list[str]:
        tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return tokens


class Detokenizer:
    """Turns the token ids of one answer into text as they come. White space before the first word is left out."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)
        self._has_begun = False

    def push(self, token_id: int) -> str:
        """The characters that this token completes; a character of several tokens comes with its last."""
        text: str = self._stream.step(self._tokenizer, token_id) or ""
        if not self._has_begun:
            text = text.lstrip()
            self._has_begun = bool(text)
        return text
