"""What the machine gives at best: memory bandwidth and matrix products."""

import os
import platform
import subprocess

import torch
import transformers
from tts_gpu_common import Bench


def run(bench: Bench) -> None:
    """Notes the machine and measures its two ceilings."""
    facts: dict[str, object] = {
        "device": str(bench.device),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "system": f"{platform.system()} {platform.release()}",
    }
    if bench.on_gpu:
        properties = torch.cuda.get_device_properties(bench.device)
        facts |= {
            "gpu": properties.name,
            "gpu_memory_gib": round(properties.total_memory / 2**30, 1),
            "multiprocessors": properties.multi_processor_count,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "driver": _driver(),
            "cudnn_attention": torch.backends.cuda.cudnn_sdp_enabled(),  # type: ignore[no-untyped-call]
            "cudnn_attention_last": os.environ.get("TORCH_CUDNN_SDPA_DEPRIORITIZED", ""),
        }
    bench.report.machine(facts)
    print(f"  {facts}")
    bench.report.figure("memory bandwidth of a copy, read and written", [bench.bandwidth() / 1e9], "GB/s")
    size = 8192 if bench.on_gpu else 512
    left, right = (torch.randn(size, size, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    times_ms = bench.timed_ms(lambda: left @ right, bench.runs(10))
    rates = [2 * size**3 / (ms / 1_000) / 1e12 for ms in times_ms]
    bench.report.figure(f"matrix product of {size} in bfloat16", rates, "TF/s")


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return f"unknown: {error}"
