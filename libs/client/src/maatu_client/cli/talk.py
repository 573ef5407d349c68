"""`maatu talk`: one recording or one typed sentence to a gateway that runs somewhere."""

import os
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from maatu.v1 import gateway_pb2
from maatu_client.cli.events import EventPrinter, Show, to_json
from maatu_client.cli.output import say
from maatu_client.cli.running import run_until_signal
from maatu_client.client import DEFAULT_TARGET, VoiceClient
from maatu_client.options import INPUT_FORMAT, Options
from maatu_client.reply import Reply
from maatu_runtime.audio import read_audio
from maatu_runtime.errors import HopUnavailable, Unavailable


def talk(
    file: Annotated[
        Path | None, typer.Argument(help="A recording of speech: WAV, FLAC, MP3, Ogg …", show_default=False)
    ] = None,
    text: Annotated[str | None, typer.Option(help="Type the turn instead.", show_default=False)] = None,
    server: Annotated[str, typer.Option(envvar="MAATU_SERVER", help="HOST:PORT of the gateway.")] = DEFAULT_TARGET,
    language: Annotated[str, typer.Option(help="The language you speak and hear, for example kn-IN.")] = "en-US",
    session: Annotated[str, typer.Option(help="Go on with this conversation.", show_default=False)] = "",
    voice: Annotated[str, typer.Option(help="Name of the voice that answers.", show_default=False)] = "",
    frame_ms: Annotated[int, typer.Option(min=20, max=100, help="Length of the audio frames sent.")] = 20,
    out: Annotated[
        Path | None, typer.Option(help="Write the spoken answer to this WAV file.", show_default=False)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event as a line of JSON, and nothing else.")
    ] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS, trusting the system's authorities.")] = False,
    tls_ca: Annotated[
        Path | None, typer.Option(envvar="MAATU_TLS_CA", help="Speak TLS, trusting this PEM file.", show_default=False)
    ] = None,
) -> None:
    """Speaks a recording (or types a text) to a running gateway, in real time; prints what happens and where the time went."""
    if (file is None) == (text is None):
        raise typer.BadParameter("give either a recording or --text")
    for path, what in ((file, "FILE"), (tls_ca, "--tls-ca")):
        if path is not None and not path.is_file():
            raise typer.BadParameter(f"there is no file {path}", param_hint=what)
    if out is not None and not out.parent.is_dir():
        raise typer.BadParameter(f"there is no directory {out.parent}", param_hint="--out")
    if out is not None:
        _probe(out)
    samples = read_audio(file, INPUT_FORMAT.sample_rate_hz) if file is not None else None
    options = Options(session_id=session, voice=voice)
    console = Console()
    show: Show = _print_json if as_json else EventPrinter(console)
    client = VoiceClient(server, tls=tls, tls_ca=tls_ca, otlp_endpoint=os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    reply = Reply()

    async def work() -> bool:
        async with client:
            if samples is not None:
                events = client.speak(samples, language, frame_ms=frame_ms, **options)
            else:
                events = client.ask(text or "", language, **options)
            async with aclosing(events):
                async for event in events:
                    reply.add(event)
                    show(event)
        return True

    try:
        finished = run_until_signal(work())
    except HopUnavailable as error:
        if error.metadata.get("hop") != "gateway":
            raise
        raise Unavailable(f"the gateway at {server} does not answer. `maatu up` starts one here. ({error})") from None
    finally:
        # What was heard before an interruption or a failure is worth keeping too.
        if out is not None and reply.samples.size:
            seconds = reply.write_wav(out)
            if not as_json:
                say(console, f"the answer is in {out} ({seconds:.1f} s)")
    if not finished:
        raise typer.Exit(130)
    if reply.failures:
        raise typer.Exit(1)
    if not reply.reports and not as_json:
        say(console, "nothing was said that could be answered")


def _probe(out: Path) -> None:
    """Makes sure that a file can be written before anything is said: afterwards the answer would be lost.

    Raises:
        typer.BadParameter: It cannot.
    """
    try:
        place = out.resolve()  # a link may point to a file that is yet to be
        is_new = not place.exists()
        if is_new or place.is_file() or place.is_dir():  # whoever reads a pipe would take a probe for all there is
            with place.open("ab"):
                pass
        if is_new:
            place.unlink()
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written: {error.strerror}", param_hint="--out") from None


def _print_json(event: gateway_pb2.ConversationEvent) -> None:
    print(to_json(event, sys.stdout.encoding), flush=True)
