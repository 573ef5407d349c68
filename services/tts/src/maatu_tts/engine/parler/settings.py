"""How the engine runs."""

from dataclasses import dataclass

from maatu_tts.engine.parler.linear import Precision


@dataclass(frozen=True)
class ParlerSettings:
    """How the engine runs."""

    device: str = "cpu"
    """"cpu", "cuda", "cuda:1"."""
    precision: Precision = Precision.FLOAT32
    """How the decoder's numbers are kept."""
    slots: int = 0
    """Utterances decoded at once; 0: as many as the memory budget holds."""
    memory_gib: float = 0.0
    """Memory for what slots hold; 0: most of what is free on a GPU, 4 GiB elsewhere."""
    waiting: int = 8
    """Streams admitted beyond the slots; they wait, by priority."""
    longest_s: float = 20.0
    """Longest utterance."""
    prompt_tokens: int = 256
    """Longest text of an utterance, in tokens."""
    description_tokens: int = 96
    """Longest description of a request, in tokens; those of named voices may be longer."""
    cached_voices: int = 256
    """Descriptions kept encoded."""
    threads: int = 0
    """Threads that PyTorch computes with on a CPU; 0: one for each core."""
    graphs: bool = True
    """Capture CUDA graphs on a GPU."""
    compile: bool = False
    """Compile the decoder's layers with torch.compile."""
    temperature: float | None = None
    """Where a request does not say; None: the checkpoint's own."""
    top_k: int | None = None
    top_p: float | None = None
    """Alike."""
