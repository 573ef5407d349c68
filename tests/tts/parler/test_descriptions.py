"""Encoded descriptions are kept, the least recently used forgotten first, for any number of threads."""

import threading

import pytest
import torch

from maatu_tts.engine.parler.descriptions import VoiceCache
from maatu_tts.engine.parler.loader import Voice


class Describer:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    def __call__(self, description: str) -> Voice:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.append(description)
        if description == "broken":
            self.at_once -= 1
            raise RuntimeError("broken")
        voice = Voice(torch.zeros(1), torch.zeros(1))
        self.at_once -= 1
        return voice


def test_each_description_is_encoded_once_with_fake_describer() -> None:
    describer = Describer()
    cache = VoiceCache(describer, capacity=3)
    voice = cache.voice("low")
    assert cache.voice("low") is voice
    assert cache.voice("high") is not voice
    assert describer.asked == ["low", "high"]
    assert (cache.hits, cache.misses, len(cache), cache.capacity) == (1, 2, 2, 3)


def test_the_least_recently_used_is_forgotten_first_with_fake_describer() -> None:
    describer = Describer()
    cache = VoiceCache(describer, capacity=3)
    for description in ("a", "b", "c", "a", "d"):
        cache.voice(description)
    assert len(cache) == 3
    assert [cache.known(description) is not None for description in "abcd"] == [True, False, True, True]
    cache.voice("b")
    assert describer.asked == ["a", "b", "c", "d", "b"]
    # Those asked for since were used since.
    assert cache.known("a") is None


def test_what_fails_is_not_kept_with_fake_describer() -> None:
    describer = Describer()
    cache = VoiceCache(describer, capacity=3)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            cache.voice("broken")
    assert len(cache) == 0
    cache.voice("low")
    assert describer.asked == ["broken", "broken", "low"]


def test_threads_share_one_encoding_with_fake_describer() -> None:
    describer = Describer()
    cache = VoiceCache(describer, capacity=4)
    together = threading.Barrier(8)
    voices: list[list[Voice]] = [[] for _ in range(8)]

    def ask(mine: list[Voice]) -> None:
        together.wait()
        mine += [cache.voice(str(number % 4)) for number in range(400)]

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in voices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(describer.asked) == ["0", "1", "2", "3"]
    assert describer.most_at_once == 1
    assert (cache.hits, cache.misses) == (8 * 400 - 4, 4)
    assert all([id(voice) for voice in mine] == [id(voice) for voice in voices[0]] for mine in voices)
