"""Between protobuf and the engine's types."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from google.protobuf.duration_pb2 import Duration

from maatu.v1 import stt_pb2
from maatu_runtime import durations
from maatu_runtime.audio import AudioFormat, format_from_proto
from maatu_runtime.errors import InvalidRequest, InvalidText
from maatu_runtime.language import Language
from maatu_stt.engine.base import SAMPLE_RATE_HZ, RecognitionOptions
from maatu_stt.engine.segmenter import Activity, ActivityType
from maatu_stt.engine.settings import VAD_THRESHOLDS, EndpointSettings, StreamSettings
from maatu_stt.engine.stream import Event
from maatu_stt.engine.utterance import Transcript

MAX_HOTWORDS = 100
MAX_HOTWORD_CHARS = 100
MAX_PROMPT_CHARS = 1_000
MAX_LANGUAGES = 20

_NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ
_TYPES = {
    ActivityType.STARTED: stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED,
    ActivityType.PAUSE: stt_pb2.SpeechActivity.TYPE_PAUSE,
    ActivityType.RESUMED: stt_pb2.SpeechActivity.TYPE_RESUMED,
    ActivityType.STOPPED: stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED,
}
EventFields: TypeAlias = dict[str, Any]
"""Exactly one of "activity" and "transcript": what both kinds of response consist of."""


def format_of(config: stt_pb2.StreamingRecognitionConfig) -> AudioFormat:
    """The format of the stream.

    Raises:
        InvalidAudio: the encoding or the rate is not supported.
    """
    return format_from_proto(config.format, "config.format")


def options_from_proto(config: stt_pb2.StreamingRecognitionConfig) -> RecognitionOptions:
    """What the stream asks of the recogniser.

    Raises:
        InvalidRequest: a field holds too much.
        UnsupportedLanguage: a language tag is malformed.
    """
    _check_count(config.language_codes, MAX_LANGUAGES, "config.language_codes")
    _check_count(config.hotwords, MAX_HOTWORDS, "config.hotwords")
    for index, hotword in enumerate(config.hotwords):
        _check_length(hotword, MAX_HOTWORD_CHARS, f"config.hotwords[{index}]")
    _check_length(config.initial_prompt, MAX_PROMPT_CHARS, "config.initial_prompt")
    return RecognitionOptions(
        languages=tuple(
            Language.parse(tag, field=f"config.language_codes[{index}]")
            for index, tag in enumerate(config.language_codes)
        ),
        model=config.model,
        hotwords=tuple(word.strip() for word in config.hotwords if word.strip()),
        initial_prompt=config.initial_prompt,
        word_times=config.word_times,
    )


def settings_from_proto(config: stt_pb2.StreamingRecognitionConfig, defaults: StreamSettings) -> StreamSettings:
    """How the stream is to be treated: what its config says, and the server's defaults for the rest.

    Raises:
        InvalidRequest: a value is out of range; names the field and the range.
    """
    voice, ends = config.voice_activity, config.endpointing
    base = defaults.segmenter
    onset, offset = base.onset_probability, base.offset_probability
    if voice.HasField("aggressiveness"):
        if voice.aggressiveness >= len(VAD_THRESHOLDS):
            raise InvalidRequest(
                f"aggressiveness {voice.aggressiveness} is out of range: 0 to {len(VAD_THRESHOLDS) - 1}",
                field="config.voice_activity.aggressiveness",
            )
        onset, offset = VAD_THRESHOLDS[voice.aggressiveness]
    endpoint = _samples(ends.endpoint_silence, base.endpoint_silence, 100, 5_000, "config.endpointing.endpoint_silence")
    # A caller that wants earlier endpoints than the server's usual pause gets both at once.
    pause = _samples(
        ends.pause_silence,
        min(base.pause_silence, endpoint),
        32,  # a window of the detector: no silence is shorter
        endpoint * 1_000 // SAMPLE_RATE_HZ,
        "config.endpointing.pause_silence",
    )
    return replace(
        defaults,
        segmenter=replace(
            base,
            onset_probability=onset,
            offset_probability=offset,
            min_speech=_samples(voice.min_speech, base.min_speech, 20, 2_000, "config.voice_activity.min_speech"),
            pause_silence=pause,
            endpoint_silence=endpoint,
            max_utterance=_samples(
                ends.max_utterance, base.max_utterance, 1_000, 300_000, "config.endpointing.max_utterance"
            ),
        ),
        endpoint=_endpoint_from_proto(ends, defaults.endpoint),
        padding=_samples(voice.padding, defaults.padding, 0, 1_000, "config.voice_activity.padding"),
        interim_results=config.interim_results,
        detects_each_utterance=_detects_each_utterance(config.language_detection, defaults.detects_each_utterance),
    )


def _endpoint_from_proto(ends: stt_pb2.EndpointingOptions, base: EndpointSettings) -> EndpointSettings:
    return EndpointSettings(
        is_adaptive=ends.adaptive if ends.HasField("adaptive") else base.is_adaptive,
        shortest=_samples(
            ends.min_endpoint_silence, base.shortest, 100, 5_000, "config.endpointing.min_endpoint_silence"
        ),
        longest=_samples(
            ends.max_endpoint_silence, base.longest, 100, 10_000, "config.endpointing.max_endpoint_silence"
        ),
    )


def _detects_each_utterance(asked: stt_pb2.LanguageDetection.ValueType, default: bool) -> bool:
    """Raises InvalidRequest where the value is unknown."""
    if asked not in stt_pb2.LanguageDetection.values():
        raise InvalidRequest(f"language detection {asked} is unknown", field="config.language_detection")
    if asked == stt_pb2.LANGUAGE_DETECTION_UNSPECIFIED:
        return default
    return asked == stt_pb2.LANGUAGE_DETECTION_PER_UTTERANCE


def event_to_proto(event: Event) -> EventFields:
    """The fields of the response that tells of an event."""
    if isinstance(event, Activity):
        return {"activity": _activity_to_proto(event)}
    return {"transcript": _transcript_to_proto(event)}


def _activity_to_proto(activity: Activity) -> stt_pb2.SpeechActivity:
    return stt_pb2.SpeechActivity(
        type=_TYPES[activity.type],
        offset=_duration(activity.offset),
        noticed_at=_duration(activity.noticed_at),
        utterance_index=activity.utterance_index,
    )


def _transcript_to_proto(transcript: Transcript) -> stt_pb2.Transcript:
    return stt_pb2.Transcript(
        utterance_index=transcript.utterance_index,
        text=transcript.text,
        is_final=transcript.is_final,
        stability=transcript.stability,
        stable_text=transcript.stable_text,
        language_code=transcript.language,
        confidence=transcript.confidence if transcript.is_final else 0.0,
        start=_duration(transcript.start),
        end=_duration(transcript.end),
        words=[
            stt_pb2.WordTime(
                word=word.text,
                start=_within(transcript, word.start),
                end=_within(transcript, word.end),
                confidence=word.confidence,
            )
            for word in transcript.words
        ],
        compute_time=durations.from_seconds(transcript.compute_s),
        model=transcript.model,
    )


def _within(transcript: Transcript, position: int) -> Duration:
    """A moment of a word. The model puts the first and the last word into the padding; nothing was said there."""
    return _duration(min(max(position, transcript.start), transcript.end))


def _duration(samples: int) -> Duration:
    seconds, rest = divmod(samples, SAMPLE_RATE_HZ)
    return Duration(seconds=seconds, nanos=rest * _NS_PER_SAMPLE)


def _samples(duration: Duration, default: int, least_ms: int, most_ms: int, field: str) -> int:
    """A length in samples; the default where it is zero or not given."""
    nanoseconds = duration.seconds * 1_000_000_000 + duration.nanos
    if nanoseconds == 0:
        return default
    if not least_ms * 1_000_000 <= nanoseconds <= most_ms * 1_000_000:
        raise InvalidRequest(
            f"{nanoseconds / 1e6:g} ms is out of range: {least_ms} to {most_ms} ms (zero: the server's default)",
            field=field,
        )
    return max(nanoseconds // _NS_PER_SAMPLE, 1)


def _check_count(values: Sequence[str], most: int, field: str) -> None:
    if len(values) > most:
        raise InvalidRequest(f"{len(values)} values; at most {most} are allowed", field=field)


def _check_length(text: str, most: int, field: str) -> None:
    if len(text) > most:
        raise InvalidText(f"{len(text)} characters; at most {most} are allowed", reason="TEXT_TOO_LONG", field=field)
