"""Models of true architectures and sizes with random weights, built once under build/bench-models.

Speed and memory do not depend on what weights say, so none have to be fetched. What they do decide is when a translation ends: see
`_teach_end`.
Run as a program (`python translate_random.py NAME`) it builds one, so that the memory this takes goes back.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from translate_sets import test_set

from maatu_runtime.models import ModelStore

ROOT = Path(__file__).resolve().parent.parent / "build" / "bench-models"
NLLB = "random-nllb-200-distilled-600m"
NLLB_TRIMMED = "random-nllb-200-distilled-600m-trimmed"
"""The same, its vocabulary trimmed as for two languages."""
MARIAN = "random-opus-mt-base"
SEED = 5
NLLB_CODES = ("eng_Latn", "spa_Latn")
_MARIAN_VOCABULARY = 58_101
_TAUGHT = 64
"""Sentences that the length is fitted to."""
_STEPS = 40
"""Tokens that are written to see how the decoder's states go on."""
_NEVER = -1_000.0
"""Added to a logit: the token is not written."""


def installed(name: str) -> Path:
    """The directory of a converted model, int8; builds it where it is not there yet, which takes a minute or two."""
    store = ModelStore(ROOT)
    if name not in {manifest.name for manifest in store.installed()} or not checkpoint(_original(name)).is_dir():
        print(f"building {name} (once)", file=sys.stderr)
        subprocess.run([sys.executable, __file__, name], check=True)
    return store.path(name)


def checkpoint(name: str) -> Path:
    """The directory of a model in the Hugging Face layout, float32. It is beside the models, and no model itself."""
    return ROOT / ".checkpoints" / name


def _build(name: str) -> None:
    import torch

    from maatu_client.models import marian, nllb

    make, family, convert = {
        NLLB: (_nllb, "nllb", nllb.convert),
        NLLB_TRIMMED: (_nllb, "nllb", _convert_trimmed),
        MARIAN: (_marian, "marian", marian.convert),
    }[name]
    torch.manual_seed(SEED)
    source = checkpoint(_original(name))
    if not source.is_dir():
        # Under another name until it is whole: an interruption leaves nothing that would be taken for it.
        half = source.with_name(f"{source.name}.half")
        half.mkdir(parents=True, exist_ok=True)
        make(half)
        half.rename(source)
    _install(name, family, convert, source)


def _original(name: str) -> str:
    """The model that a trimmed one is made from."""
    return {NLLB_TRIMMED: NLLB}.get(name, name)


def _convert_trimmed(source: Path, destination: Path, quantization: str) -> None:
    """As `maatu models convert nllb --languages` does, but that the rows are chosen by number: the words are invented, and no word
    lists know them."""
    from maatu_client.models import m2m100, word_lists

    ids: dict[str, int] = json.loads((source / "tokenizer.json").read_bytes())["model"]["vocab"]
    codes = [ids[code] for code in NLLB_CODES]
    kept = word_lists.ENTRIES_PER_LANGUAGE * len(codes) - len(codes)
    rows = [*range(kept), *codes]
    tokens = {row: token for token, row in ids.items()}
    trimmed = {tokens[row]: place for place, row in enumerate(rows)}
    m2m100.convert_weights(source, destination, quantization, trimmed, rows)
    m2m100.write_languages(destination, NLLB_CODES)


def _install(name: str, family: str, convert: Callable[..., None], source: Path) -> None:
    store = ModelStore(ROOT)
    with (
        store.lock(name),
        store.install(
            name, family=family, format="ctranslate2-int8", licence="none", source="random numbers", created_by={}
        ) as directory,
    ):
        convert(source, directory, "int8")


def _nllb(directory: Path) -> None:
    """The architecture of facebook/nllb-200-distilled-600M, by its config.json."""
    import tokenizers
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    config = M2M100Config(
        vocab_size=256_206,
        d_model=1024,
        encoder_layers=12,
        decoder_layers=12,
        encoder_attention_heads=16,
        decoder_attention_heads=16,
        encoder_ffn_dim=4096,
        decoder_ffn_dim=4096,
        max_position_embeddings=1024,
        activation_function="relu",
        scale_embedding=True,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
    )
    M2M100ForConditionalGeneration(config).save_pretrained(directory)
    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    words = [f"▁{number}" for number in range(config.vocab_size - len(marks) - len(NLLB_CODES))]
    vocabulary = {token: number for number, token in enumerate([*marks, *words, *NLLB_CODES])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.save(str(directory / "tokenizer.json"))


def _marian(directory: Path) -> None:
    """The architecture of the OPUS-MT models, size "base": that of Helsinki-NLP/opus-mt-en-de by its config.json.

    Its SentencePiece models are trained on the test set, so that words are one or two pieces long, as in a model of this size
    of vocabulary. The rest of the vocabulary is never written.
    """
    import sentencepiece
    import torch
    from transformers import MarianConfig, MarianMTModel

    pairs = test_set("en", "es")
    for name, text in (("source", [p.source for p in pairs]), ("target", [p.reference for p in pairs])):
        with open(directory / f"{name}.spm", "wb") as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(text), model_writer=file, model_type="bpe", vocab_size=900, num_threads=1, minloglevel=2
            )  # fmt: skip
    source, target = (
        sentencepiece.SentencePieceProcessor(model_file=str(directory / f"{name}.spm")) for name in ("source", "target")
    )
    marks = ("</s>", "<unk>", "<pad>")
    pieces = {side.id_to_piece(number) for side in (source, target) for number in range(side.get_piece_size())}
    written = sorted(pieces - {*marks, "<s>"})
    fill = [f"▁▁{number}" for number in range(_MARIAN_VOCABULARY - len(marks) - len(written))]
    tokens = ["</s>", "<unk>", *written, *fill, "<pad>"]
    ids = {token: number for number, token in enumerate(tokens)}
    (directory / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    settings = {"source_lang": "en", "target_lang": "es"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    config = MarianConfig(
        vocab_size=len(tokens),
        d_model=512,
        encoder_layers=6,
        decoder_layers=6,
        encoder_attention_heads=8,
        decoder_attention_heads=8,
        encoder_ffn_dim=2048,
        decoder_ffn_dim=2048,
        max_position_embeddings=512,
        activation_function="swish",
        scale_embedding=True,
        eos_token_id=0,
        forced_eos_token_id=None,
        pad_token_id=len(tokens) - 1,
        decoder_start_token_id=len(tokens) - 1,
        tie_word_embeddings=False,
    )
    model: Any = MarianMTModel(config)
    model.eval()
    model.final_logits_bias[0, 1] = _NEVER
    model.final_logits_bias[0, 2 + len(written) :] = _NEVER
    taught = [source.encode(pair.source, out_type=str) for pair in pairs[:_TAUGHT]]
    sentences = [[ids.get(piece, 1) for piece in pieces] for pieces in taught]
    with torch.inference_mode():
        _teach_end(model, sentences)
    model.save_pretrained(directory)


def _teach_end(model: Any, sentences: Sequence[Sequence[int]]) -> None:
    """Makes translations as long as their sources, and of words that differ.

    Random weights write one token for ever, the one whose row in the output is most like the state, which is like the embedding of
    the token before. So the output gets the rows of the embedding moved by one: after each token comes the next of the
    vocabulary. The row of the end is fitted, by least squares with a small penalty, to the decoder's states: its logit grows with
    the tokens written less those of the source. Its bias is then such that half of the sentences end within the length of
    their source.
    """
    import torch

    torch.set_num_threads(2)
    lengths = torch.tensor([len(sentence) for sentence in sentences], dtype=torch.float32)
    steps = torch.arange(_STEPS, dtype=torch.float32)
    output = model.get_output_embeddings().weight
    output[:] = model.get_input_embeddings().weight.roll(1, 0)
    states, others = _states(model, sentences)
    matrix = states.flatten(0, 1)
    wanted = (steps[None, :] - lengths[:, None]).clamp(-5, 5).flatten()
    penalty = 1e-2 * len(matrix) * torch.eye(matrix.shape[1])
    output[0] = torch.linalg.solve(matrix.T @ matrix + penalty, matrix.T @ (wanted - wanted.mean()))
    lacking = others - states @ output[0]
    at_their_length = lacking[torch.arange(len(sentences)), lengths.long().clamp(max=_STEPS - 1)]
    model.final_logits_bias[0, 0] = at_their_length.median()
    ends = (lacking <= model.final_logits_bias[0, 0]).float()
    written = torch.where(ends.any(1), ends.argmax(1), torch.tensor(_STEPS))
    print(
        f"{len(sentences)} sentences of {lengths.mean():.1f} tokens (standard deviation {lengths.std():.1f}) become"
        f" {written.float().mean():.1f} ({written.float().std():.1f}), correlation"
        f" {torch.corrcoef(torch.stack([lengths, written.float()]))[0, 1]:.2f}",
        file=sys.stderr,
    )


def _states(model: Any, sentences: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """What the decoder's last layer says at each step, when it does not end: states (sentences, steps, d_model), and the
    greatest logit but that of the end (sentences, steps)."""
    import torch

    model.final_logits_bias[0, 0] = _NEVER
    longest = max(map(len, sentences)) + 1
    padding = model.config.pad_token_id
    source = torch.tensor([[*sentence, 0] + [padding] * (longest - 1 - len(sentence)) for sentence in sentences])
    output = model.generate(
        source,
        attention_mask=(source != padding).long(),
        do_sample=False,
        num_beams=1,
        max_new_tokens=_STEPS,
        output_hidden_states=True,
        output_logits=True,
        return_dict_in_generate=True,
    )
    states = torch.stack([step[-1][:, 0] for step in output.decoder_hidden_states], 1)
    greatest = torch.stack([logits.max(1).values for logits in output.logits], 1)
    return states, greatest


if __name__ == "__main__":
    _build(sys.argv[1])
