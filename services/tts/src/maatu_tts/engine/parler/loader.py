"""From a checkpoint's directory to a model that is ready to run."""

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from maatu_runtime.errors import ModelNotInstalled
from maatu_tts.engine.parler import attention
from maatu_tts.engine.parler.checkpoint import Checkpoint
from maatu_tts.engine.parler.codec import Codec
from maatu_tts.engine.parler.config import ParlerConfig
from maatu_tts.engine.parler.decoder import Decoder
from maatu_tts.engine.parler.linear import Precision, linear_factory
from maatu_tts.engine.parler.text_encoder import TextEncoder

DESCRIPTION_TOKENIZER = "description_tokenizer"
"""Folder of a tokenizer for descriptions, where it is another than the prompt's: the Indic model's is Flan-T5's."""


@dataclass(frozen=True)
class Voice:
    """A description as the decoder attends to it."""

    states: Tensor
    """Of the text encoder: [length, hidden]."""
    keys_values: Tensor
    """Of cross-attention: [layers, heads of keys then of values, length, head size]."""

    @property
    def length(self) -> int:
        """Tokens of the description."""
        return self.keys_values.shape[2]


@dataclass(frozen=True)
class ParlerModel:
    """All parts of a model, and its tokenizers."""

    name: str
    config: ParlerConfig
    precision: Precision
    device: torch.device
    decoder: Decoder
    codec: Codec
    text_encoder: TextEncoder
    prompt_embeddings: Tensor
    prompt_sinusoids: Tensor | None
    """Positions of a cross-attended prompt."""
    prompt_tokenizer: Tokenizer
    description_tokenizer: Tokenizer

    @property
    def activations(self) -> torch.dtype:
        """The type of hidden states, keys and values."""
        return self.prompt_embeddings.dtype

    def prompt_ids(self, text: str) -> list[int]:
        """What is to be spoken, as ids of the prompt's vocabulary."""
        ids: list[int] = self.prompt_tokenizer.encode(text).ids
        return ids

    def description_ids(self, description: str) -> list[int]:
        """The description of a voice, as ids of the text encoder's vocabulary."""
        ids: list[int] = self.description_tokenizer.encode(description).ids
        return ids

    @torch.inference_mode()
    def describe(self, description: str) -> Voice:
        """Encodes the description of a voice."""
        states = self.text_encoder(torch.tensor(self.description_ids(description), device=self.device))
        return Voice(states, self.decoder.cross_keys_values(states))

    @torch.inference_mode()
    def attended_prompt(self, ids: list[int]) -> Tensor:
        """Keys and values of a cross-attended prompt, shaped like a voice's."""
        states = self.embedded_prompt(ids)
        if self.prompt_sinusoids is not None:
            states = states + self.prompt_sinusoids[: len(ids)]
        return self.decoder.cross_keys_values(states)

    def embedded_prompt(self, ids: list[int]) -> Tensor:
        """[length, hidden]"""
        return self.prompt_embeddings[torch.tensor(ids, dtype=torch.long, device=self.device)]


def load_model(
    directory: Path,
    device: str | torch.device = "cpu",
    precision: Precision | str = Precision.FLOAT32,
    *,
    codec_dtype: torch.dtype | None = None,
) -> ParlerModel:
    """Loads a checkpoint: parler-tts-mini-v1, parler-tts-large-v1, indic-parler-tts, or one of the same making.

    Args:
        directory: config.json, generation_config.json, model.safetensors (or its parts and their index), tokenizer files; a
            tokenizer of descriptions in DESCRIPTION_TOKENIZER where it is another.
        device: Where it runs: "cpu", "cuda", "cuda:1".
        precision: How its numbers are kept.
        codec_dtype: What the codec computes in; None: the type of activations, bfloat16 beside quantised weights.

    Raises:
        ModelNotInstalled: A file is missing or broken, or tensors are missing or mis-shaped; the message names them.
    """
    device = torch.device(device)
    precision = Precision(precision)
    if device.type == "cuda":
        _settle_cuda(device)
    config = ParlerConfig.read(directory)
    like = torch.empty(0, dtype=precision.activations(device), device=device)
    if codec_dtype is None:
        codec_dtype = torch.bfloat16 if precision is Precision.INT8 else like.dtype
    codec_like = torch.empty(0, dtype=codec_dtype, device=device)
    with torch.inference_mode(), Checkpoint(directory) as checkpoint:
        decoder = Decoder(config.decoder, checkpoint, linear_factory(precision, device), like)
        codec = Codec(config.codec, checkpoint, config.decoder.codebooks, codec_like)
        encoder = TextEncoder(config, checkpoint, like)
        prompt_shape = (config.prompt_vocabulary, config.decoder.hidden)
        prompt_embeddings = checkpoint.take("embed_prompts.weight", prompt_shape).to(like)
        prompt_sinusoids = None
        if config.prompt_cross_attention:
            position_shape = (config.decoder.positions, config.decoder.hidden)
            prompt_sinusoids = checkpoint.take("embed_positions.weights", position_shape).to(like)
        checkpoint.check()
        decoder.by_lengths = attention.works(device, like.dtype, config.decoder.head_size)
    prompt_tokenizer = _tokenizer(directory)
    own = directory / DESCRIPTION_TOKENIZER
    return ParlerModel(
        name=directory.name,
        config=config,
        precision=precision,
        device=device,
        decoder=decoder.eval(),
        codec=codec.eval(),
        text_encoder=encoder.eval(),
        prompt_embeddings=prompt_embeddings,
        prompt_sinusoids=prompt_sinusoids,
        prompt_tokenizer=prompt_tokenizer,
        description_tokenizer=_tokenizer(own) if own.is_dir() else prompt_tokenizer,
    )


def _settle_cuda(device: torch.device) -> None:
    """Chooses between ways that CUDA has to do one thing; for the whole process, the device for this thread."""
    if device.index is not None:
        torch.cuda.set_device(device)
    # cuDNN plans attention anew for each shape, which takes up to half a second.
    torch.backends.cuda.enable_cudnn_sdp(False)
    # float32 means float32 in the codec too, where cuDNN would take 10 bits of precision.
    torch.backends.cudnn.allow_tf32 = False


def _tokenizer(directory: Path) -> Tokenizer:
    """As its file says. transformers' AutoTokenizer, from version 5 on, replaces the file's normaliser by one of its own."""
    path = directory / "tokenizer.json"
    if not path.is_file():
        raise ModelNotInstalled(f"no tokenizer.json in {directory}: fetch it again with `maatu models pull`")
    try:
        tokenizer: Tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelNotInstalled(f"{path} is no tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
