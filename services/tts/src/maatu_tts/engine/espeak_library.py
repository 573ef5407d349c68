"""A thin binding of eSpeak NG's C library (speak_lib.h).

The library keeps one voice, one set of parameters and one callback for the whole process, so every call goes through one
lock, and `load` gives everyone the same object.
"""

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from maatu_tts.engine.espeak_text import survivable

# Values of speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_RATE_PARAMETER = 1
_POSITION_CHARACTER = 1
_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_OK = 0

_BUFFER_MS = 250
"""Audio handed over at a time, the work of 0.2 ms. Each time the thread has to get hold of the interpreter, for which it may
wait longer than that: with 60 ms, four utterances at once took half as long again."""

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _VoiceStruct(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


@dataclass(frozen=True)
class EspeakVoice:
    """A voice as the library describes it."""

    name: str
    """For people: "Kannada"."""
    identifier: str
    """What `synthesize` takes: "dra/kn"."""
    languages: tuple[tuple[int, str], ...]
    """(rank, tag): the languages it speaks; of the voices of one language, the one of the lowest rank is preferred."""


class EspeakLibrary:
    """The library, loaded and initialised. Use `load`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._consume: Callable[[NDArray[np.int16]], bool] = lambda _: False
        self._error: BaseException | None = None
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Info.restype = ctypes.c_char_p
        self.version: str = self._library.espeak_Info(None).decode()
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceStruct))
        self.sample_rate_hz: int = self._library.espeak_Initialize(
            _OUTPUT_SYNCHRONOUS, _BUFFER_MS, espeakng_loader.get_data_path().encode(), _DONT_EXIT
        )
        if self.sample_rate_hz <= 0:
            raise OSError(f"eSpeak NG does not start (error {self.sample_rate_hz})")
        # The library keeps a pointer to it, so it must live as long as the library.
        self._callback = _Callback(self._on_audio)
        self._library.espeak_SetSynthCallback(self._callback)

    def voices(self) -> list[EspeakVoice]:
        """All voices of the data directory, one for each accent of each language."""
        with self._lock:
            pointers = self._library.espeak_ListVoices(None)
            voices = []
            for index in range(1_000_000):
                if not pointers[index]:
                    break
                voice = pointers[index].contents
                voices.append(
                    EspeakVoice(voice.name.decode().strip(), voice.identifier.decode(), _languages(voice.languages))
                )
            return voices

    def synthesize(
        self, identifier: str, text: str, words_per_minute: int, consume: Callable[[NDArray[np.int16]], bool]
    ) -> None:
        """Speaks a text; blocks until it is spoken.

        Args:
            identifier: Of a voice.
            text: Plain text.
            words_per_minute: 80 to 450.
            consume: Called with 250 ms of mono samples at a time; False stops the synthesis.

        Raises:
            OSError: The library refuses the voice or the text.
            Exception: What `consume` raised.
        """
        encoded = survivable(text).encode()
        with self._lock:
            self._consume, self._error = consume, None
            self._check(self._library.espeak_SetVoiceByName(identifier.encode()), f"voice {identifier}")
            self._check(self._library.espeak_SetParameter(_RATE_PARAMETER, words_per_minute, 0), "rate")
            self._check(
                self._library.espeak_Synth(
                    encoded,
                    ctypes.c_size_t(len(encoded) + 1),
                    ctypes.c_uint(0),
                    _POSITION_CHARACTER,
                    ctypes.c_uint(0),
                    ctypes.c_uint(_CHARS_UTF8 | _END_PAUSE),
                    None,
                    None,
                ),
                "text",
            )
            if self._error is not None:
                raise self._error

    def _on_audio(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: int | None) -> int:
        """eSpeak's callback: 0 goes on, 1 stops. The samples are eSpeak's own memory, hence the copy."""
        if not samples or count <= 0:
            return 0
        try:
            return 0 if self._consume(np.ctypeslib.as_array(samples, (count,)).copy()) else 1
        except BaseException as error:  # an exception cannot pass through C; `synthesize` raises it again
            self._error = error
            return 1

    def _check(self, result: int, what: str) -> None:
        if result != _OK:
            raise OSError(f"eSpeak NG does not accept this {what} (error {result})")


@cache
def load() -> EspeakLibrary:
    """The library, loaded on the first call (about 5 ms)."""
    return EspeakLibrary()


def _languages(address: int) -> tuple[tuple[int, str], ...]:
    """Reads speak_lib.h's list: for each language one byte of rank and a C string; a zero rank ends it."""
    languages = []
    while rank := ctypes.cast(address, ctypes.POINTER(ctypes.c_ubyte))[0]:
        tag = ctypes.string_at(address + 1)
        languages.append((rank, tag.decode()))
        address += len(tag) + 2
    return tuple(languages)
