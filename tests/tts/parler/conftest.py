"""What the tests of the Parler-TTS engine share: small checkpoints with random weights, and schedulers with listeners."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from maatu_runtime.places import Priority
from maatu_tts.engine.parler.batch import Batch, Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel, load_model
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.random_weights import TINY, write_checkpoint
from maatu_tts.engine.parler.runner import Runner
from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.stream import Piece, Request, Stream

GROUPED = replace(TINY, key_value_heads=2, cross_key_value_heads=1)
VARIANTS: dict[str, dict[str, Any]] = {
    # Streams last as long as they may: tests know how long.
    "endless": {},
    "ending": {"mean_frames": 12},
    "cross": {"prompt_cross_attention": True},
    "fused": {"fused_heads": True},
    "grouped": {"size": GROUPED},
    "rope": {"rope": True},
    "grouped-rope": {"size": GROUPED, "rope": True, "fused_heads": True},
    "rope-cross": {"rope": True, "prompt_cross_attention": True},
    "projected": {"size": replace(TINY, text_encoder_hidden=48), "separate_description_tokenizer": True},
    "sharded": {"shards": 3},
    "half": {"dtype": torch.bfloat16},
    "one-layer": {"size": replace(TINY, layers=1), "mean_frames": 12},
}
VOICE = "A woman speaks slowly in a quiet room."
MANY_STEPS = 3_000
RUNNER_TEXTS = {"Good morning.": 14, "Yes!": 9, "Thank you for calling.": 20}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors of these sizes are computed faster by one thread than by threads that wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of one of VARIANTS, written when it is first asked for. Tests change copies only."""
    written: dict[str, Path] = {}

    def find(variant: str) -> Path:
        if variant not in written:
            written[variant] = write_checkpoint(
                tmp_path_factory.mktemp(variant) / variant, **{"size": TINY, **VARIANTS[variant]}
            )
        return written[variant]

    return find


@pytest.fixture(scope="session")
def load(checkpoint: Callable[[str], Path]) -> Callable[..., ParlerModel]:
    """A model: `load("ending")`, `load("cross", "float64")`. Each is loaded once."""
    loaded: dict[tuple[str, str], ParlerModel] = {}

    def find(variant: str, precision: str = "float32") -> ParlerModel:
        if (variant, precision) not in loaded:
            loaded[variant, precision] = load_model(checkpoint(variant), "cpu", precision)
        return loaded[variant, precision]

    return find


@pytest.fixture
def own_model(checkpoint: Callable[[str], Path]) -> ParlerModel:
    """A model that no other test has: compiling changes its layers."""
    return load_model(checkpoint("one-layer"), "cpu", "float64")


class Said:
    """A stream, and what its listener was told."""

    stream: Stream

    def __init__(self, on_piece: Callable[[Piece], None] | None = None) -> None:
        self.told: list[Piece | Exception | None] = []
        self._on_piece = on_piece

    def __call__(self, told: Piece | Exception | None) -> None:
        self.told.append(told)
        if isinstance(told, Piece) and self._on_piece is not None:
            self._on_piece(told)

    @property
    def pieces(self) -> list[Piece]:
        """In order."""
        return [told for told in self.told if isinstance(told, Piece)]

    @property
    def error(self) -> Exception | None:
        """What it was told last, if that was an error."""
        return self.told[-1] if self.told and isinstance(self.told[-1], Exception) else None

    @property
    def ended(self) -> bool:
        """It was told pieces and then once the end, nothing else."""
        return bool(self.told) and self.told[-1] is None and len(self.pieces) == len(self.told) - 1

    @property
    def codes(self) -> list[list[int]]:
        """[codebooks][frames]"""
        codes: list[list[int]] = self.stream.codes.tolist()
        return codes

    @property
    def waveform(self) -> np.ndarray:
        """All pieces, one after another."""
        return np.concatenate([np.zeros(0, np.float32), *(piece.samples for piece in self.pieces)])


class House:
    """A scheduler and its guests.

    Args:
        model: What it runs.
        rows: Streams decoded at once.
        clock: Time stands still if no other is given: chunks depend on nothing but their plans.
        options: Of the scheduler.
    """

    def __init__(
        self, model: ParlerModel, rows: int = 4, clock: Callable[[], float] = lambda: 0.0, **options: Any
    ) -> None:
        self.model = model
        self.scheduler = Scheduler(model, CacheSize(rows, positions=192, cross_positions=96), clock=clock, **options)

    def say(
        self,
        text: str,
        frames: int = 12,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        min_columns: int = 0,
        plan: ChunkPlan | None = None,
        priority: Priority = Priority.INTERACTIVE,
        alone: bool = False,
        voice: str = VOICE,
        on_piece: Callable[[Piece], None] | None = None,
    ) -> Said:
        """Has a text spoken, greedily if nothing else is said."""
        said = Said(on_piece)
        request = Request(
            self.model.prompt_ids(text),
            self.model.describe(voice),
            Sampling(frames, min_columns, temperature, seed),
            plan or ChunkPlan(first=4, largest=8),
            priority,
            alone,
        )
        said.stream = self.scheduler.add(request, said)
        return said

    def step(self, times: int = 1) -> None:
        """Steps the scheduler."""
        for _ in range(times):
            self.scheduler.step()

    def run(self) -> int:
        """Steps until there is nothing left to do; returns how often."""
        for step in range(MANY_STEPS):
            if not self.scheduler.busy:
                self.check_empty()
                return step
            self.scheduler.step()
        raise AssertionError("it does not end")

    def check_empty(self) -> None:
        """No stream has a row, waits or speaks."""
        assert not self.scheduler.busy
        assert self.scheduler.rows_in_use == 0
        assert self.scheduler.waiting == 0


@pytest.fixture(scope="session")
def house() -> type[House]:
    """Makes schedulers: `house(model, rows=2)`."""
    return House


@pytest.fixture(scope="session")
def alone() -> Callable[..., Said]:
    """What somebody says whom nobody else is with: `alone(model, "Hello", 20)`, as House.say takes it."""

    def speak(model: ParlerModel, *arguments: Any, **fields: Any) -> Said:
        house = House(model, rows=1)
        said = house.say(*arguments, **fields)
        house.run()
        return said

    return speak


def warmed(batch: Batch, runner: Runner) -> Runner:
    """The runner, once it is ready."""
    with torch.inference_mode():
        runner.warm_up()
    return runner


def check_codes(house: Any, alone: Callable[..., Any], model: ParlerModel, make: Callable[[Batch], Runner]) -> Runner:
    """Streams that are run so have the codes that they have with the plain runner; returns the runner."""
    expected = {text: alone(model, text, frames).codes for text, frames in RUNNER_TEXTS.items()}
    guests = house(model, rows=3, make_runner=lambda batch: warmed(batch, make(batch)))
    said = {text: guests.say(text, frames) for text, frames in RUNNER_TEXTS.items()}
    guests.run()
    for text, each in said.items():
        assert each.ended
        assert each.codes == expected[text]
    runner: Runner = guests.scheduler.runner
    return runner
