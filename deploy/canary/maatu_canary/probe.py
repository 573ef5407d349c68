"""The word error rate of a probe set: recordings whose words are known, transcribed by each side of stt."""

import re
import shlex
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maatu_canary.errors import CanaryError, WrongUse
from maatu_canary.judge import Finding
from maatu_canary.kubectl import Kubectl
from maatu_canary.pages import pods
from maatu_canary.release import Component

TRANSCRIBE = Path(__file__).resolve().parent.parent / "transcribe.py"
"""Transcribes with Maatu's client, where no other command is given."""


@dataclass(frozen=True)
class Utterance:
    """A recording and what is said in it."""

    wav: Path
    text: str


@dataclass(frozen=True)
class Probe:
    """What to transcribe and how."""

    utterances: Sequence[Utterance]
    command: Sequence[str]
    """Program and arguments; "{server}" in them becomes HOST:PORT, the recordings follow. Prints a line for each."""
    max_increase: float
    """How far the canary's word error rate may lie above the stable side's, 0 to 1."""


def read_utterances(directory: Path) -> list[Utterance]:
    """The probe set in a directory: NAME.wav beside NAME.txt.

    Raises:
        WrongUse: there are none, or a text is missing or empty.
    """
    found = []
    for wav in sorted(directory.glob("*.wav")):
        try:
            text = wav.with_suffix(".txt").read_text("utf-8")
        except FileNotFoundError:
            raise WrongUse(f"{wav} has no text beside it: {wav.with_suffix('.txt').name}") from None
        if not words(text):
            raise WrongUse(f"{wav.with_suffix('.txt')} holds no words")
        found.append(Utterance(wav, text))
    if not found:
        raise WrongUse(f"the probe set {directory} holds no .wav files")
    return found


def default_command() -> list[str]:
    """Transcribes with Maatu's client, in the Python that runs this."""
    return [sys.executable, str(TRANSCRIBE), "--server", "{server}"]


def compare(probe: Probe, kubectl: Kubectl, component: Component, port: int) -> Finding:
    """Transcribes the probe set with one ready pod of each side, each through a port-forward of its own.

    A canary that cannot transcribe is past the limit.

    Raises:
        CanaryError: a side has no ready pod, or the stable side does not transcribe: the probe set or command is wrong.
    """
    stable = _error_rate(probe, kubectl, component, "stable", port)
    try:
        canary = _error_rate(probe, kubectl, component, "canary", port)
    except _NotTranscribed as error:
        return Finding("word error rate", str(error), True, True)
    allowed = stable + probe.max_increase
    text = f"word error rate: canary {canary:.1%}, stable {stable:.1%} of {len(probe.utterances)} recordings, allowed {allowed:.1%}"
    return Finding("word error rate", text, True, canary > allowed)


class _NotTranscribed(CanaryError):
    """The command failed."""


def _error_rate(probe: Probe, kubectl: Kubectl, component: Component, track: str, port: int) -> float:
    ready = [pod for pod in pods(kubectl, component.selector(track), component.name) if pod.ready]
    if not ready:
        raise CanaryError(f"no {track} pod of {component.name} is ready")
    with kubectl.forwarded(ready[0].name, port) as server:
        command = [part.replace("{server}", server) for part in probe.command]
        command += [str(utterance.wav) for utterance in probe.utterances]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise CanaryError(f"cannot run {shlex.join(probe.command)}: {error}") from None
    heard = done.stdout.splitlines()
    if done.returncode != 0 or len(heard) != len(probe.utterances):
        why = done.stderr.strip() or f"{len(heard)} lines for {len(probe.utterances)} recordings"
        raise _NotTranscribed(f"the {track} {component.name} does not transcribe the probe set: {why[-500:]}")
    references = [words(utterance.text) for utterance in probe.utterances]
    wrong = sum(distance(said, words(line)) for said, line in zip(references, heard, strict=True))
    return wrong / sum(len(said) for said in references)


def words(text: str) -> list[str]:
    """The words of a text in any script: small letters, no punctuation; vowel signs, which are marks, stay."""
    kept = "".join(
        char if unicodedata.category(char)[0] in "LMN" else " "
        for char in re.sub(r"['’\u200b-\u200d]", "", unicodedata.normalize("NFKC", text).casefold())
    )
    return kept.split()


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words substituted, left out or made up, as few as possible (Levenshtein's distance over words)."""
    row = list(range(len(heard) + 1))
    for position, word in enumerate(said, 1):
        diagonal, row[0] = row[0], position
        for column, other in enumerate(heard, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1]
