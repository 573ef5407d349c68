"""The real models on real and on generated speech, through the real service."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
import pytest
from maatu.v1 import common_pb2, stt_pb2
from piper import PiperVoice

from maatu_runtime.audio import Resampler, read_audio
from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import ConfigurationError, InvalidRequest, ModelNotInstalled, UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_runtime.models import ModelStore
from maatu_stt.config import Config
from maatu_stt.engine.base import DecodeRequest, RecognitionOptions
from maatu_stt.engine.recognizer import WhisperRecognizer
from maatu_stt.engine.vad import WINDOW, SileroModel
from maatu_stt.engine.whisper import WhisperEngine, WhisperSettings
from maatu_stt.service import build
