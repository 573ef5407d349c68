#!/usr/bin/env bash
# The figures of Parler-TTS on a GPU, all of them, in less than eight minutes on an H200. See bench/tts_gpu.py --help.
#
# Needs a CUDA build of torch, transformers, safetensors and numpy. Installs nothing and fetches nothing.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PYTHONPATH="$root/services/tts/src:$root/libs/runtime/src${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 TRANSFORMERS_VERBOSITY=error TOKENIZERS_PARALLELISM=false
# Since cuDNN 9.15 PyTorch prefers its attention on Hopper, which builds a plan of up to half a second for each new shape.
export TORCH_CUDNN_SDPA_DEPRIORITIZED="${TORCH_CUDNN_SDPA_DEPRIORITIZED-1}"
exec "${PYTHON:-python3}" "$root/bench/tts_gpu.py" "$@"
