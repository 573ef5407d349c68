"""Between the protobuf messages of tts.proto and this service's own types. Every field is checked here."""

from google.protobuf.duration_pb2 import Duration

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.audio import AudioFormat, Encoding, format_from_proto, format_to_proto
from maatu_runtime.errors import InvalidRequest, InvalidText, Unsupported
from maatu_runtime.places import Priority
from maatu_tts import chunks as limits
from maatu_tts.chunks import ChunkSettings
from maatu_tts.engine.base import Capabilities, Engine
from maatu_tts.metrics import EngineMetrics
from maatu_tts.speech import Chunk, ClauseBegan, Order, Summary
from maatu_tts.text import LONGEST_TEXT_CHARS, clean, is_speakable
from maatu_tts.voices import Choice, Listing, VoiceDirectory


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
    able = choice.engine.capabilities
    if options.voice.description and not able.descriptions:
        raise _unsupported(choice, f"{field}.voice.description", "follow a description of the voice")
    rate = options.speaking_rate if options.HasField("speaking_rate") else 1.0
    if not 0.5 <= rate <= 2.0:
        raise InvalidRequest(f"a speaking rate of {rate:g} is outside 0.5 to 2", field=f"{field}.speaking_rate")
    temperature = options.temperature if options.HasField("temperature") else None
    if temperature is not None:
        if not 0.0 <= temperature <= 2.0:
            raise InvalidRequest(f"a temperature of {temperature:g} is outside 0 to 2", field=f"{field}.temperature")
        if not able.temperature:
            raise _unsupported(choice, f"{field}.temperature", "be given a temperature")
    if options.HasField("seed") and not able.seed:
        raise _unsupported(choice, f"{field}.seed", "be given a seed")
    return Order(
        choice=choice,
        audio_format=_format(options, field, choice),
        chunks=chunks_from_proto(options.chunks, f"{field}.chunks", defaults, [able]),
        streaming=options.streaming if options.HasField("streaming") else True,
        speaking_rate=rate,
        priority=_priority(options.priority, f"{field}.priority"),
        seed=options.seed if options.HasField("seed") else None,
        temperature=temperature,
        description=options.voice.description,
    )


def chunks_from_proto(
    message: common_pb2.StreamingParameters, field: str, present: ChunkSettings, engines: list[Capabilities]
) -> ChunkSettings:
    """Reads chunk settings; those left out stay as they are at present.

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
        raise Unsupported("chunk_duration needs an engine without codec tokens", field=f"{field}.chunk_duration")
    settings = ChunkSettings(
        chunk_ms=round(message.chunk_duration.ToNanoseconds() / 1e6)
        if message.HasField("chunk_duration")
        else present.chunk_ms,
        chunk_tokens=message.chunk_tokens if message.HasField("chunk_tokens") else present.chunk_tokens,
        first_chunk_tokens=message.first_chunk_tokens
        if message.HasField("first_chunk_tokens")
        else present.first_chunk_tokens,
        adaptive=message.adaptive if message.HasField("adaptive") else present.adaptive,
    )
    _within(settings.chunk_ms, limits.MIN_CHUNK_MS, limits.MAX_CHUNK_MS, "ms", f"{field}.chunk_duration")
    _within(settings.chunk_tokens, limits.MIN_CHUNK_TOKENS, limits.MAX_CHUNK_TOKENS, "tokens", f"{field}.chunk_tokens")
    first = settings.first_chunk_tokens
    _within(first, limits.MIN_FIRST_CHUNK_TOKENS, limits.MAX_CHUNK_TOKENS, "tokens", f"{field}.first_chunk_tokens")
    if first > settings.chunk_tokens:
        raise InvalidRequest(
            f"a first chunk of {first} tokens is longer than a chunk of {settings.chunk_tokens}",
            field=f"{field}.first_chunk_tokens",
        )
    return settings


def chunks_to_proto(settings: ChunkSettings, engines: list[Capabilities]) -> common_pb2.StreamingParameters:
    """Writes the chunk settings that an engine in use goes by."""
    message = common_pb2.StreamingParameters()
    if any(not able.tokens for able in engines):
        message.chunk_duration.CopyFrom(duration(settings.chunk_ms * 1_000_000))
    if any(able.tokens for able in engines):
        message.chunk_tokens = settings.chunk_tokens
        message.first_chunk_tokens = settings.first_chunk_tokens
        message.adaptive = settings.adaptive
    return message


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


def started_to_proto(order: Order) -> tts_pb2.SynthesisStarted:
    """Writes the first message of an answer."""
    return tts_pb2.SynthesisStarted(
        format=format_to_proto(order.audio_format),
        voice_name=order.choice.voice.name,
        engine=order.choice.engine.name,
    )


def clause_to_proto(clause: ClauseBegan) -> tts_pb2.ClauseStarted:
    """Writes the start of a clause."""
    return tts_pb2.ClauseStarted(clause_index=clause.index, text=clause.text, offset=duration(clause.offset_ns))


def chunk_to_proto(chunk: Chunk) -> tts_pb2.AudioChunk:
    """Writes a piece of audio."""
    return tts_pb2.AudioChunk(
        audio=chunk.data,
        sequence=chunk.sequence,
        offset=duration(chunk.offset_ns),
        duration=duration(chunk.duration_ns),
    )


def summary_to_proto(summary: Summary) -> tts_pb2.SynthesisSummary:
    """Writes the last message of an answer."""
    return tts_pb2.SynthesisSummary(
        audio_duration=duration(summary.audio_ns),
        compute_time=duration(round(summary.compute_s * 1e9)),
        time_to_first_chunk=duration(round(summary.first_chunk_s * 1e9)),
    )


def voice_to_proto(listing: Listing) -> tts_pb2.VoiceInfo:
    """Writes a voice of the list."""
    voice = listing.voice
    return tts_pb2.VoiceInfo(
        name=voice.name,
        language_codes=[str(language) for language in voice.languages],
        engine=listing.engine.name,
        native_sample_rate_hz=voice.sample_rate_hz,
        description=voice.description,
        is_default=listing.is_default,
    )


def status_to_proto(engine: Engine, metrics: EngineMetrics) -> tts_pb2.EngineStatus:
    """Writes how an engine runs."""
    status = engine.status()
    return tts_pb2.EngineStatus(
        engine=engine.name,
        model=status.model,
        device=status.device,
        compute_type=status.compute_type,
        compile_state=tts_pb2.EngineStatus.COMPILE_STATE_OFF,
        warmup_time=duration(round(status.warmup_s * 1e9)),
        slots=status.slots,
        slots_in_use=status.slots_in_use,
        queue_depth=status.queue_depth,
        first_chunk_p50=duration(round(metrics.first_chunk_percentile_s(50) * 1e9)),
        first_chunk_p95=duration(round(metrics.first_chunk_percentile_s(95) * 1e9)),
    )


def duration(nanoseconds: int) -> Duration:
    """A protobuf duration."""
    seconds, nanos = divmod(nanoseconds, 1_000_000_000)
    return Duration(seconds=seconds, nanos=nanos)


def _format(options: tts_pb2.SynthesisOptions, field: str, choice: Choice) -> AudioFormat:
    if options.HasField("format"):
        return format_from_proto(options.format, f"{field}.format")
    return AudioFormat(Encoding.LINEAR16, choice.voice.sample_rate_hz)


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
