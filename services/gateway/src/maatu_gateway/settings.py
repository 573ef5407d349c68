"""What a client asked for in ConversationConfig, checked."""

import re
import uuid
from dataclasses import dataclass

from maatu.v1 import gateway_pb2, tts_pb2
from maatu_gateway.config import Config
from maatu_gateway.hops import Hops
from maatu_runtime.audio import AudioFormat, format_from_proto
from maatu_runtime.errors import InvalidRequest, NotFound, Unsupported, UnsupportedLanguage
from maatu_runtime.language import Language

_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_MAX_KEEP_PHRASES = 100


@dataclass(frozen=True)
class ConversationSettings:
    """How one conversation is held."""

    session_id: str
    """The client's, or a new one."""
    is_new_session: bool
    """The client did not name it."""
    language: Language
    """What the person speaks and hears."""
    agent_language: Language
    """What the agent thinks in."""
    input_format: AudioFormat | None
    """Of the audio that comes in; None where only text may come."""
    output_format: AudioFormat
    """Of the audio that goes out."""
    turn_deadline_s: float
    """Longest time for one turn."""
    request: gateway_pb2.ConversationConfig
    """The config itself, for what is passed on to the hops as it is."""

    @property
    def translates(self) -> bool:
        """Whether the two translation hops have work to do."""
        return not self.language.matches(self.agent_language)


def read_settings(
    request: gateway_pb2.ConversationConfig, config: Config, *, needs_audio_input: bool
) -> ConversationSettings:
    """Checks a config, field by field.

    Args:
        request: As the client sent it.
        config: Defaults and limits.
        needs_audio_input: Audio will come, so its format must be there.

    Raises:
        InvalidRequest: names the field and what it may hold.
    """
    if request.session_id and not _ID.fullmatch(request.session_id):
        raise InvalidRequest("a session id is 1 to 128 of letters, digits, '-', '_' and '.'", field="config.session_id")
    input_format = None
    if request.HasField("input_format") or needs_audio_input:
        input_format = format_from_proto(request.input_format, "config.input_format")
    if len(request.keep_phrases) > _MAX_KEEP_PHRASES:
        raise InvalidRequest(f"at most {_MAX_KEEP_PHRASES} phrases can be kept", field="config.keep_phrases")
    if request.speaking_rate and not 0.5 <= request.speaking_rate <= 2:
        raise InvalidRequest("a speaking rate is 0.5 to 2", field="config.speaking_rate")
    if request.barge_in == gateway_pb2.BARGE_IN_INTERRUPT:
        raise Unsupported(
            "this gateway answers what is said during playback afterwards: use BARGE_IN_QUEUE", field="config.barge_in"
        )
    deadline_s = config.turn_deadline_s
    if request.HasField("turn_deadline"):
        deadline_s = request.turn_deadline.ToNanoseconds() / 1e9
        if not 1 <= deadline_s <= 120:
            raise InvalidRequest("a turn may take 1 to 120 s", field="config.turn_deadline")
    agent_tag = request.agent_language_code or config.agent_language
    return ConversationSettings(
        session_id=request.session_id or uuid.uuid4().hex,
        is_new_session=not request.session_id,
        language=Language.parse(request.language_code, field="config.language_code"),
        agent_language=Language.parse(agent_tag, field="config.agent_language_code"),
        input_format=input_format,
        output_format=format_from_proto(request.output_format, "config.output_format"),
        turn_deadline_s=deadline_s,
        request=request,
    )


async def find_voice(settings: ConversationSettings, hops: Hops) -> tts_pb2.VoiceInfo:
    """Makes sure, before a word is said, that the services can hold this conversation, and picks its voice.

    Raises:
        UnsupportedLanguage: the languages cannot be translated, or no voice speaks the person's.
        NotFound: no voice of that name.
        HopUnavailable: a service does not answer.
    """
    ours, theirs = settings.language, settings.agent_language
    if settings.translates:
        for source, target in ((ours, theirs), (theirs, ours)):
            if not await hops.serves_pair(source, target):
                raise UnsupportedLanguage(
                    f"no translation from {source} into {target} is served: Translation.ListLanguages lists what is",
                    field="config.language_code",
                )
    voices = await hops.voices()
    wanted = settings.request.voice.name
    if wanted:
        for voice in voices:
            if voice.name == wanted:
                return voice
        raise NotFound(
            f'no voice is named "{wanted[:80]}": TextToSpeech.ListVoices lists those that are',
            reason="VOICE_NOT_FOUND",
            field="config.voice.name",
        )
    speaking = [
        (not voice.is_default, str(ours) not in voice.language_codes, voice.name, voice)
        for voice in voices
        if any(Language.parse(tag).matches(ours) for tag in voice.language_codes)
    ]
    if not speaking:
        raise UnsupportedLanguage(f"no voice speaks {ours}", field="config.language_code")
    return min(speaking, key=lambda entry: entry[:3])[3]
