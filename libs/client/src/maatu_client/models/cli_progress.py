"""What `maatu models` shows while it works: live lines on a terminal, plain lines in a log."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class StepReport:
    """Told of what happens to each model. With several models a last line on a terminal counts those that are done."""

    def __init__(self, console: Console, progress: Progress, models: int) -> None:
        self._console = console
        self._progress = progress
        self._models = models
        self._tasks: dict[str, TaskID] = {}
        self._done: set[str] = set()
        self._all = progress.add_task("all models", total=models, step="") if models > 1 else None

    def __call__(self, name: str, step: str) -> None:
        if not self._console.is_terminal:
            self._console.print(f"{name}: {step}", soft_wrap=True, highlight=False)
            return
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=1, step=step)
        self._progress.update(self._tasks[name], step=step, completed=1 if step == "ready" else 0)
        if step in ("ready", "not ready"):
            self._progress.stop_task(self._tasks[name])
            self._done |= {name} if step == "ready" else set()
        if self._all is not None:
            ready = len(self._done)
            self._progress.update(self._all, step=f"{ready} of {self._models} ready", completed=ready)


@contextmanager
def step_report(models: int = 1) -> Iterator[StepReport]:
    """Shows steps while the context lasts.

    Args:
        models: How many will be told of.
    """
    console = Console()
    columns = SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TextColumn("{task.fields[step]}")
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress:
        yield StepReport(console, progress, models)
