"""What came of a conversation so far, gathered from its events."""

from pathlib import Path

import numpy as np
from google.rpc import status_pb2

from maatu.v1 import gateway_pb2
from maatu_runtime.audio import AudioFormat, StreamDecoder, format_from_proto, write_wav
from maatu_runtime.audio.samples import Samples


class Reply:
    """Gathers transcripts, texts, audio and reports from the events of a conversation.

    Attributes:
        session_id: The conversation's id, for going on with it later.
        trace_id: W3C trace id of the stream.
        transcripts: The final transcript of each utterance.
        reports: The report of each turn that was answered.
        failures: The status of each turn that failed.
    """

    def __init__(self) -> None:
        self.session_id = ""
        self.trace_id = ""
        self.transcripts: list[str] = []
        self.reports: list[gateway_pb2.TurnReport] = []
        self.failures: list[status_pb2.Status] = []
        self._format: AudioFormat | None = None
        self._decoder: StreamDecoder | None = None
        self._pieces: list[Samples] = []

    def add(self, event: gateway_pb2.ConversationEvent) -> None:
        """Takes the next event."""
        match event.WhichOneof("event"):
            case "ready":
                self.session_id, self.trace_id = event.ready.session_id, event.ready.trace_id
                self._format = format_from_proto(event.ready.output_format, "ready.output_format")
                self._decoder = StreamDecoder(self._format, self._format.sample_rate_hz)
            case "transcript" if event.transcript.is_final and event.transcript.text:
                self.transcripts.append(event.transcript.text)
            case "audio":
                if self._decoder is None:
                    raise ValueError("audio came before `ready`")
                self._pieces.append(self._decoder.push(event.audio.audio))
            case "interrupted":
                self.reports.append(event.interrupted.report)
            case "report":
                self.reports.append(event.report)
            case "status":
                self.failures.append(event.status.status)

    @property
    def sample_rate_hz(self) -> int:
        """Rate of `samples`; 0 before the conversation was ready."""
        return self._format.sample_rate_hz if self._format else 0

    @property
    def samples(self) -> Samples:
        """All audio of the answers so far: mono float32 in [-1, 1] at `sample_rate_hz`."""
        return np.concatenate([np.zeros(0, np.float32), *self._pieces])

    def write_wav(self, path: Path | str) -> float:
        """Writes the audio as a WAV file; returns how many seconds it plays."""
        samples = self.samples
        write_wav(path, samples, self.sample_rate_hz)
        return len(samples) / self.sample_rate_hz
