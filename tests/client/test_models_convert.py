"""The converters, on models of the true architectures with random weights."""

import struct
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytest

from maatu_client.models import convert
from maatu_client.models.families import Options
from maatu_runtime.errors import Unsupported

HIDDEN, HEADS, KEY_VALUE_HEADS, FEED_FORWARD, LAYERS = 32, 4, 2, 64, 2
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def byte_vocabulary() -> list[str]:
    """Special tokens, the 256 symbols of byte-level BPE and one merge."""
    from tokenizers.pre_tokenizers import ByteLevel

    return ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *sorted(ByteLevel.alphabet()), "he"]


def write_gguf(path: Path, model: Any) -> None:
    """Writes a Llama model as llama.cpp does, with the rows of the query and key projections in its order."""
    import gguf

    def interleave(weight: np.ndarray, heads: int) -> np.ndarray:
        rows, columns = weight.shape
        return np.ascontiguousarray(
            weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
        )

    tokens = byte_vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3] + [1] * (len(tokens) - 3))
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    names = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"])
    for layer in range(LAYERS):
        for ours, theirs in names.items():
            weight = weights[f"model.layers.{layer}.{ours}.weight"]
            if theirs in ("attn_q", "attn_k"):
                weight = interleave(weight, HEADS if theirs == "attn_q" else KEY_VALUE_HEADS)
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("adapted", [False, True], ids=["plain", "adapted"])
def test_a_gguf_decoder_computes_the_same_after_conversion(tmp_path: Path, adapted: bool) -> None:
    import ctranslate2
    import tokenizers
    import torch
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    model: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(byte_vocabulary()),
            hidden_size=HIDDEN,
            intermediate_size=FEED_FORWARD,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=KEY_VALUE_HEADS,
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
            initializer_range=0.3,
        )
    )
    model.eval()
    write_gguf(tmp_path / "tiny.gguf", model)
    converted = tmp_path / "converted"
    converted.mkdir()

    assert convert.check("gguf-decoder", tmp_path / "tiny.gguf", "float32") == "llama"
    adapter = tmp_path / "adapter.safetensors" if adapted else None
    if adapter is not None:
        layer = model.model.layers[LAYERS - 1].mlp.down_proj
        a, b = torch.randn(2, FEED_FORWARD), torch.randn(HIDDEN, 2)
        name = f"model.layers.{LAYERS - 1}.mlp.down_proj"
        save_file({f"{name}.a": a, f"{name}.b": b}, adapter, metadata={"scale": "2.0"})
        layer.weight.data += 2 * b @ a
    versions = convert.convert("gguf-decoder", tmp_path, converted, "float32", Options(adapter=adapter))

    assert set(versions) >= {"ctranslate2", "gguf", "torch", "transformers"}
    assert {path.name for path in converted.iterdir()} == {
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.bin",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocabulary.json",
    }
    assert (converted / "chat_template.jinja").read_text() == TEMPLATE
    tokenizer = tokenizers.Tokenizer.from_file(str(converted / "tokenizer.json"))
    encoding = tokenizer.encode("<|im_start|>hello ನಮಸ್ಕಾರ 42<|im_end|>")
    assert encoding.tokens[:3] == ["<|im_start|>", "he", "l"]
    assert tokenizer.decode(encoding.ids) == "hello ನಮಸ್ಕಾರ 42"
    with torch.no_grad():
        expected = model(torch.tensor([encoding.ids])).logits.numpy()
    generator = ctranslate2.Generator(str(converted), compute_type="float32", intra_threads=1)
    actual = np.array(generator.forward_batch([encoding.tokens]))
    np.testing.assert_allclose(actual, expected, atol=1e-3)


@pytest.fixture
def tiny_whisper(tmp_path: Path, models_dir: Path) -> tuple[Path, Any]:
    """A Whisper with random weights and the true vocabulary, as a fine-tune of 2023 looks: no `lang_to_id`."""
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(1)
    model: Any = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=51865,
            num_mel_bins=128,
            d_model=32,
            encoder_layers=1,
            encoder_attention_heads=2,
            encoder_ffn_dim=64,
            decoder_layers=1,
            decoder_attention_heads=2,
            decoder_ffn_dim=64,
        )
    )
    model.eval()
    model.generation_config.update(suppress_tokens=[1, 2], begin_suppress_tokens=[220, 50257])
    directory = tmp_path / "tiny-whisper"
    model.save_pretrained(directory)
    copyfile(models_dir / "whisper-base" / "tokenizer.json", directory / "tokenizer.json")
    (directory / "tokenizer_config.json").write_text('{"tokenizer_class": "WhisperTokenizer"}')
    return directory, model


def test_a_whisper_computes_the_same_after_conversion_and_loads_without_a_hub(
    tmp_path: Path, tiny_whisper: tuple[Path, Any]
) -> None:
    import ctranslate2
    import torch
    from faster_whisper import WhisperModel

    source, model = tiny_whisper
    converted = tmp_path / "converted"
    converted.mkdir()
    assert convert.check("whisper", source, "float32") == "whisper"
    convert.convert("whisper", source, converted, "float32")
    assert {path.name for path in converted.iterdir()} == {
        "config.json",
        "model.bin",
        "preprocessor_config.json",
        "tokenizer.json",
        "vocabulary.json",
    }

    loaded = WhisperModel(str(converted), device="cpu", compute_type="float32", cpu_threads=1)
    assert loaded.feature_extractor.mel_filters.shape[0] == 128
    assert loaded.model.is_multilingual
    features = np.random.default_rng(1).standard_normal((1, 128, 3000), dtype=np.float32)
    with torch.no_grad():
        expected = model.model.encoder(torch.from_numpy(features)).last_hidden_state.numpy()
    actual = np.array(loaded.model.encode(ctranslate2.StorageView.from_array(features)))
    np.testing.assert_allclose(actual, expected, atol=1e-3)
    # Language detection works only when the ids of all language tokens are known.
    languages = loaded.model.detect_language(ctranslate2.StorageView.from_array(features))[0]
    assert {language for language, _ in languages} >= {"<|en|>", "<|es|>", "<|kn|>"}
    assert len(languages) == 99


def test_broken_weights_are_named_with_the_converters_own_words(tmp_path: Path, tiny_whisper: tuple[Path, Any]) -> None:
    source, _ = tiny_whisper
    (source / "model.safetensors").write_bytes(b"broken")
    (tmp_path / "converted").mkdir()
    with pytest.raises(Unsupported, match=r"the conversion of .*tiny-whisper as whisper failed: .*[Hh]eader"):
        convert.convert("whisper", source, tmp_path / "converted", "int8")


def gguf_header(architecture: str) -> bytes:
    key, value = b"general.architecture", architecture.encode()
    return b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, len(key)) + key + struct.pack("<IQ", 8, len(value)) + value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 a wheel", "is not a GGUF file"),
        (b"", "is not a GGUF file"),
        (b"GGUF", "architecture unknown"),
        (gguf_header("mamba"), "architecture mamba; those converted are gemma3, llama"),
    ],
)
def test_a_file_that_is_no_gguf_decoder_is_refused_at_once(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "model.gguf").write_bytes(content)
    with pytest.raises(Unsupported, match=message):
        convert.check("gguf-decoder", tmp_path / "model.gguf", "int8")


def test_a_directory_must_have_exactly_one_gguf(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="found: none"):
        convert.check("gguf-decoder", tmp_path, "int8")
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(gguf_header("llama"))
    with pytest.raises(Unsupported, match=r"found: a\.gguf, b\.gguf"):
        convert.check("gguf-decoder", tmp_path, "int8")


def test_a_directory_that_is_no_whisper_is_refused_at_once(tmp_path: Path) -> None:
    def refused(message: str) -> None:
        with pytest.raises(Unsupported, match=message):
            convert.check("whisper", tmp_path, "int8")

    refused(r"config\.json cannot be read")
    (tmp_path / "config.json").write_text("[not json")
    refused(r"config\.json cannot be read")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    refused("of the type llama, not whisper")
    (tmp_path / "config.json").write_text('{"model_type": "whisper"}')
    refused("has no weights")
    (tmp_path / "model.safetensors").touch()
    refused("has no tokenizer")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.bin").touch()
    refused("converted already")


def test_an_unknown_family_or_quantization_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="'opus' here; there are gguf-decoder, nllb, m2m100, "):
        convert.check("opus", tmp_path, "int8")
    with pytest.raises(Unsupported, match="'int3' is no quantization; there are int8"):
        convert.check("whisper", tmp_path, "int3")


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "find_spec", lambda package: None if package == "torch" else object())
    with pytest.raises(Unsupported, match="needs torch: install maatu-client with the extra `convert`"):
        convert.check("whisper", tmp_path, "int8")
