"""Whether a model can run where the configuration wants it to."""

import ctranslate2

from maatu_runtime.errors import ConfigurationError


def check_device(device: str, compute_type: str) -> None:
    """Checks that CTranslate2 can compute in a type on a device, before a model is made: one whose constructor fails may bring the
    process down at its exit.

    Args:
        device: "cpu" or "cuda".
        compute_type: As CTranslate2 calls it; "default" keeps that of the conversion, "auto" takes the fastest.

    Raises:
        ConfigurationError: The device is not here, or it lacks the type; says what there is.
    """
    if device == "cuda" and ctranslate2.get_cuda_device_count() == 0:
        raise ConfigurationError("no CUDA device is here: set MAATU_TRANSLATE_DEVICE=cpu")
    supported = ctranslate2.get_supported_compute_types(device)
    if compute_type not in {*supported, "default", "auto"}:
        raise ConfigurationError(
            f'compute type "{compute_type}" cannot be had on {device}: use one of {sorted(supported)}'
        )
