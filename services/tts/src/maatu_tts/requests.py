"""From the protobuf requests of tts.proto to this service's own types. Every field is checked here."""

import unicodedata

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.audio import AudioFormat, Encoding, format_from_proto
from maatu_runtime.errors import InvalidRequest, InvalidText, Unsupported
from maatu_runtime.places import Priority
from maatu_tts import chunks as limits
from maatu_tts.chunks import ChunkSettings
from maatu_tts.engine.base import LONGEST_DESCRIPTION_CHARS, Capabilities
from maatu_tts.order import Order
from maatu_tts.text import LONGEST_TEXT_CHARS, clean, is_speakable
from maatu_tts.voices import Choice, VoiceDirectory


def order_from_proto(
    options: tts_pb2.SynthesisOptions, field: str, voices: VoiceDirectory, defaults: ChunkSettings
) -> Order:
    """Reads how to speak.

    Args:
        options: As they came.
        field: Their path in the request: "options" or "config".
        voices: Where the voice is looked up.
        defaults: Chunk settings for what is left out.

    Raises:
        InvalidRequest: A value is out of range or contradicts another.
        InvalidAudio: The format is not supported.
        UnsupportedLanguage: Nothing speaks the language.
        NotFound: There is no such voice.
        Unsupported: The voice's engine cannot do what is asked.
    """
    choice = voices.select(options.voice.name, options.voice.language_code, field=f"{field}.voice")
    return Order(
        choice=choice,
        audio_format=_format(options, field, choice),
        chunks=chunks_from_proto(options.chunks, f"{field}.chunks", defaults, [choice.engine.capabilities]),
        streaming=options.streaming if options.HasField("streaming") else True,
        batching=options.batching if options.HasField("batching") else True,
        speaking_rate=_speaking_rate(options, f"{field}.speaking_rate", choice),
        priority=_priority(options.priority, f"{field}.priority"),
        seed=_seed(options, f"{field}.seed", choice),
        temperature=_temperature(options, f"{field}.temperature", choice),
        description=_description(options.voice.description, f"{field}.voice.description", choice),
    )


def chunks_from_proto(
    message: common_pb2.StreamingParameters, field: str, present: ChunkSettings, engines: list[Capabilities]
) -> ChunkSettings:
    """Reads chunk settings; those left out stay as they are at present.

    A first chunk in force that is longer than the chunks asked for becomes as long as they are.

    Args:
        message: As it came.
        field: Its path in the request.
        present: What is in force.
        engines: What the engines concerned can do: tokens are refused where none has tokens, a duration where all have.

    Raises:
        InvalidRequest: A value is out of range, or two contradict each other.
        Unsupported: No engine concerned goes by this setting.
    """
    by_tokens = any(able.tokens for able in engines)
    by_time = any(not able.tokens for able in engines)
    for name in ("chunk_tokens", "first_chunk_tokens", "adaptive"):
        if message.HasField(name) and not by_tokens:
            raise Unsupported(f"{name} needs an engine with codec tokens: give chunk_duration", field=f"{field}.{name}")
    if message.HasField("chunk_duration") and not by_time:
        raise Unsupported(
            "chunk_duration needs an engine without codec tokens: give chunk_tokens", field=f"{field}.chunk_duration"
        )
    chunk_ms, chunk_tokens = present.chunk_ms, present.chunk_tokens
    if message.HasField("chunk_duration"):
        chunk_ms = round(message.chunk_duration.ToNanoseconds() / 1e6)
    if message.HasField("chunk_tokens"):
        chunk_tokens = message.chunk_tokens
    first = min(present.first_chunk_tokens, chunk_tokens)
    if message.HasField("first_chunk_tokens"):
        first = message.first_chunk_tokens
    _within(chunk_ms, limits.MIN_CHUNK_MS, limits.MAX_CHUNK_MS, "ms", f"{field}.chunk_duration")
    _within(chunk_tokens, limits.MIN_CHUNK_TOKENS, limits.MAX_CHUNK_TOKENS, "tokens", f"{field}.chunk_tokens")
    _within(first, limits.MIN_FIRST_CHUNK_TOKENS, limits.MAX_CHUNK_TOKENS, "tokens", f"{field}.first_chunk_tokens")
    if first > chunk_tokens:
        raise InvalidRequest(
            f"a first chunk of {first} tokens is longer than a chunk of {chunk_tokens}",
            field=f"{field}.first_chunk_tokens",
        )
    adaptive = message.adaptive if message.HasField("adaptive") else present.adaptive
    return ChunkSettings(chunk_ms, chunk_tokens, first, adaptive)


def text_from_proto(text: str) -> str:
    """Reads the text of a Synthesize request, cleaned.

    Raises:
        InvalidText: EMPTY_TEXT: nothing in it can be spoken; or TEXT_TOO_LONG.
    """
    if len(text) > LONGEST_TEXT_CHARS:
        raise InvalidText(
            f"a text of {len(text)} characters; at most {LONGEST_TEXT_CHARS} are allowed: send it in parts, or stream it",
            reason="TEXT_TOO_LONG",
            field="text",
        )
    cleaned = clean(text)
    if not is_speakable(cleaned):
        raise InvalidText("there is nothing in the text that can be spoken", field="text")
    return cleaned


def _format(options: tts_pb2.SynthesisOptions, field: str, choice: Choice) -> AudioFormat:
    if options.HasField("format"):
        return format_from_proto(options.format, f"{field}.format")
    return AudioFormat(Encoding.LINEAR16, choice.voice.sample_rate_hz)


def _speaking_rate(options: tts_pb2.SynthesisOptions, field: str, choice: Choice) -> float:
    rate = options.speaking_rate if options.HasField("speaking_rate") else 1.0
    if not 0.5 <= rate <= 2.0:  # also where it is not a number
        raise InvalidRequest(f"a speaking rate of {rate:g} is outside 0.5 to 2", field=field)
    if rate != 1.0 and not choice.engine.capabilities.speaking_rate:
        raise _unsupported(choice, field, "change its speaking rate")
    return rate


def _temperature(options: tts_pb2.SynthesisOptions, field: str, choice: Choice) -> float | None:
    if not options.HasField("temperature"):
        return None
    if not 0.0 <= options.temperature <= 2.0:  # also where it is not a number
        raise InvalidRequest(f"a temperature of {options.temperature:g} is outside 0 to 2", field=field)
    if not choice.engine.capabilities.temperature:
        raise _unsupported(choice, field, "be given a temperature")
    return options.temperature


def _seed(options: tts_pb2.SynthesisOptions, field: str, choice: Choice) -> int | None:
    if not options.HasField("seed"):
        return None
    if not choice.engine.capabilities.seed:
        raise _unsupported(choice, field, "be given a seed")
    return options.seed


def _description(value: str, field: str, choice: Choice) -> str:
    """A description with single spaces; line breaks and tabs count as spaces."""
    if value and not choice.engine.capabilities.descriptions:
        raise _unsupported(choice, field, "follow a description of the voice")
    if len(value) > LONGEST_DESCRIPTION_CHARS:
        raise InvalidRequest(
            f"a description of {len(value)} characters; at most {LONGEST_DESCRIPTION_CHARS} are allowed", field=field
        )
    if strange := next(
        (each for each in value if unicodedata.category(each) in _STRANGE and each not in "\t\r\n"), None
    ):
        raise InvalidRequest(f"the description holds the character U+{ord(strange):04X}: write plain text", field=field)
    return " ".join(value.split())


_STRANGE = ("Cc", "Co", "Cn")
"""Categories of characters that no description has: control, private use, unassigned."""


def _priority(value: int, field: str) -> Priority:
    if value == common_pb2.PRIORITY_UNSPECIFIED:
        return Priority.INTERACTIVE
    try:
        return Priority(value)
    except ValueError:
        raise InvalidRequest(f"there is no priority {value}", field=field) from None


def _within(value: int, lowest: int, highest: int, unit: str, field: str) -> None:
    if not lowest <= value <= highest:
        raise InvalidRequest(f"{value} {unit} is outside {lowest} to {highest}", field=field)


def _unsupported(choice: Choice, field: str, what: str) -> Unsupported:
    return Unsupported(f"the engine {choice.engine.name} of the voice {choice.voice.name} cannot {what}", field=field)
