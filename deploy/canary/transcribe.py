"""Transcribes recordings with an stt service; one line each, in their order. Needs the package maatu-client.

python transcribe.py --server 127.0.0.1:50051 --language kn-IN a.wav b.wav
"""

import argparse
import sys
from pathlib import Path

import grpc

from maatu.v1 import common_pb2, stt_pb2
from maatu.v1.stt_pb2_grpc import SpeechToTextStub
from maatu_runtime.audio import read_audio
from maatu_runtime.audio.samples import to_int16
from maatu_runtime.errors import MaatuError

RATE_HZ = 16_000
_TIMEOUT_S = 120.0


def open_channel(server: str, tls_ca: Path | None, server_name: str | None) -> grpc.Channel:
    """A channel to HOST:PORT.

    Args:
        server: HOST:PORT.
        tls_ca: PEM file of the authority of the service's certificate; None: no TLS.
        server_name: The name in that certificate, where it is not HOST, as through a port-forward.
    """
    if tls_ca is None:
        return grpc.insecure_channel(server)
    options = [("grpc.ssl_target_name_override", server_name)] if server_name is not None else []
    return grpc.secure_channel(server, grpc.ssl_channel_credentials(tls_ca.read_bytes()), options)


def transcribe(stub: SpeechToTextStub, recording: Path, language: str | None) -> str:
    """What is said in a recording, on one line.

    Raises:
        MaatuError: it is no recording.
        grpc.RpcError: the service refused it or failed.
    """
    config = stt_pb2.StreamingRecognitionConfig(
        format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=RATE_HZ),
        language_codes=[language] if language is not None else [],
    )
    audio = to_int16(read_audio(recording, RATE_HZ)).astype("<i2").tobytes()
    answers = stub.Recognize(stt_pb2.RecognizeRequest(config=config, audio=audio), timeout=_TIMEOUT_S)
    text = " ".join(answer.transcript.text for answer in answers if answer.HasField("transcript"))
    return " ".join(text.split())


def main() -> int:
    parser = argparse.ArgumentParser(description="Transcribes recordings with an stt service; one line each.")
    parser.add_argument("recordings", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--server", required=True, help="HOST:PORT of the stt service")
    parser.add_argument("--language", help="BCP-47 tag of what is spoken; it is detected where this is not given")
    parser.add_argument("--tls-ca", type=Path, help="speak TLS, trusting this PEM file")
    parser.add_argument("--server-name", help="the name in the service's certificate: maatu-stt")
    options = parser.parse_args()
    with open_channel(options.server, options.tls_ca, options.server_name) as channel:
        stub = SpeechToTextStub(channel)
        for recording in options.recordings:
            try:
                sys.stdout.write(transcribe(stub, recording, options.language) + "\n")
            except MaatuError as error:
                sys.stderr.write(f"{recording}: {error}\n")
                return 1
            except grpc.RpcError as error:
                sys.stderr.write(f"{recording}: {error.code().name}: {error.details()}\n")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
