"""The reference implementation's streaming, timed in its own virtual environment, beside which ours is measured."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "build" / "reference-venv" / "bin" / "python"
SCRIPT = ROOT / "tools" / "reference" / "stream.py"

TEN_SECONDS = 861
"""Codec frames, 86.13 to a second."""
HALF_A_SECOND = 43
"""Columns between the reference's chunks."""


@dataclass(frozen=True)
class ReferenceRun:
    """One utterance through ParlerTTSStreamer. Times count from the call of `generate`, in seconds."""

    first_chunk_s: float
    """When the first chunk could be played."""
    last_chunk_s: float
    """When the listener had everything."""
    returned_s: float
    """When `generate` returned: it decodes the whole utterance once more after the last chunk, and is busy until then."""
    audio_s: float
    """How long it plays."""
    chunks: list[tuple[float, float]]
    """When each chunk came, and how long it plays."""
    threads: int

    @property
    def audio_rate(self) -> float:
        """Seconds of audio per second, however many clients wait: the streamer takes one utterance at a time."""
        return self.audio_s / self.returned_s


def installed() -> bool:
    """Whether `make reference` has made the environment."""
    return PYTHON.exists()


def stream(
    checkpoint: Path,
    *,
    description: str,
    prompt: str,
    frames: int = TEN_SECONDS,
    play_steps: int = HALF_A_SECOND,
    threads: int = 2,
    precision: str = "float32",
    device: str = "cpu",
) -> ReferenceRun:
    """Streams one utterance in a process of its own. Ten seconds of mini size take about three minutes on two cores.

    Args:
        checkpoint: Its streams must not end by themselves: write_checkpoint with mean_frames=None.
        description: Of the voice.
        prompt: What is spoken.
        frames: Length of the utterance.
        play_steps: Columns between chunks; 10 at least, since the streamer withholds (play_steps - 9) * 512 // 6 samples.
        threads: Of torch.
        precision: "float32", "bfloat16" or "float16".
        device: "cpu" or "cuda".

    Raises:
        RuntimeError: The environment is missing, or the reference failed.
    """
    if not installed():
        raise RuntimeError(f"no reference implementation in {PYTHON.parent.parent}: run `make reference`")
    texts = ["--description", description, "--prompt", prompt]
    numbers = {"--frames": frames, "--play-steps": play_steps, "--threads": threads}
    settings = [word for name, number in numbers.items() for word in (name, str(number))]
    script = [str(PYTHON), str(SCRIPT), str(checkpoint)]
    command = [*script, *texts, *settings, "--precision", precision, "--device", device]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"the reference implementation failed:\n{finished.stderr[-3000:]}")
    measured = json.loads(finished.stdout)
    rate = measured["sample_rate_hz"]
    return ReferenceRun(
        first_chunk_s=measured["first_chunk_s"],
        last_chunk_s=measured["last_chunk_s"],
        returned_s=measured["returned_s"],
        audio_s=measured["audio_s"],
        chunks=[(chunk["at_s"], chunk["samples"] / rate) for chunk in measured["chunks"]],
        threads=measured["threads"],
    )
