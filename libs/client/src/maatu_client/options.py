"""How a conversation is held, in Python's own types."""

from datetime import timedelta
from typing import TypedDict

from google.protobuf.duration_pb2 import Duration

from maatu.v1 import agent_pb2, common_pb2, gateway_pb2, stt_pb2
from maatu_runtime.audio import AudioFormat, Encoding, format_to_proto

INPUT_FORMAT = AudioFormat(Encoding.LINEAR16, 16_000)
"""What speech recognition works on inside: nothing is gained by sending more."""
OUTPUT_FORMAT = AudioFormat(Encoding.LINEAR16, 22_050)
"""What Piper and eSpeak NG make: nothing is resampled."""


class Options(TypedDict, total=False):
    """Options of a conversation; what is left out takes the server's default."""

    session_id: str
    """The conversation to go on with. Default: a new one, named in the event `ready`."""
    agent_language: str
    """BCP-47 tag of the language the agent thinks in."""
    input_format: AudioFormat
    """The format of the audio that is sent. Default: `INPUT_FORMAT`."""
    output_format: AudioFormat
    """The format of the audio wanted. Default: `OUTPUT_FORMAT`."""
    voice: str
    """Name of the voice that answers."""
    voice_description: str
    """How the voice is to sound, for engines that follow descriptions."""
    speaking_rate: float
    """0.5 to 2, 1 being the voice's own."""
    system_prompt: str
    """Instructions to the agent."""
    max_tokens: int
    """Longest answer, in tokens of the agent's model."""
    temperature: float
    """Sampling temperature of the agent, 0 to 2."""
    seed: int
    """Random seed of the agent."""
    endpoint_silence_ms: int
    """Silence after which an utterance is over."""
    vad_aggressiveness: int
    """How readily sound is taken for silence, 0 to 3."""
    interim_results: bool
    """Send partial transcripts. Default: True."""
    keep_phrases: list[str]
    """Words to listen for, and to keep untranslated."""
    turn_deadline_s: float
    """Longest time a turn may take, from the endpoint to its last audio byte."""
    barge_in: bool
    """Speech during playback stops the answer (True) or waits for its end (False)."""


def conversation_config(language: str, options: Options) -> gateway_pb2.ConversationConfig:
    """Writes the options of a conversation as the message that opens it."""
    config = gateway_pb2.ConversationConfig(
        session_id=options.get("session_id", ""),
        language_code=language,
        agent_language_code=options.get("agent_language", ""),
        input_format=format_to_proto(options.get("input_format", INPUT_FORMAT)),
        output_format=format_to_proto(options.get("output_format", OUTPUT_FORMAT)),
        agent=_agent_options(options),
        interim_results=options.get("interim_results", True),
        keep_phrases=options.get("keep_phrases", []),
        speaking_rate=options.get("speaking_rate", 0.0),
    )
    if options.get("voice") or options.get("voice_description"):
        voice = common_pb2.Voice(
            name=options.get("voice", ""), language_code=language, description=options.get("voice_description", "")
        )
        config.voice.CopyFrom(voice)
    if "endpoint_silence_ms" in options:
        silence = _duration(options["endpoint_silence_ms"] / 1000)
        config.endpointing.CopyFrom(stt_pb2.EndpointingOptions(endpoint_silence=silence))
    if "vad_aggressiveness" in options:
        config.voice_activity.aggressiveness = options["vad_aggressiveness"]
    if "turn_deadline_s" in options:
        config.turn_deadline.CopyFrom(_duration(options["turn_deadline_s"]))
    if "barge_in" in options:
        config.barge_in = gateway_pb2.BARGE_IN_INTERRUPT if options["barge_in"] else gateway_pb2.BARGE_IN_QUEUE
    return config


def _agent_options(options: Options) -> agent_pb2.AgentOptions:
    return agent_pb2.AgentOptions(
        system_prompt=options.get("system_prompt"),
        max_tokens=options.get("max_tokens"),
        temperature=options.get("temperature"),
        seed=options.get("seed"),
    )


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=seconds))
    return duration
