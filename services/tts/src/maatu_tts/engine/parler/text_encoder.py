"""The encoder of voice descriptions: transformers' T5, with the checkpoint's tensors."""

import torch
from torch import Tensor, nn
from transformers import T5Config, T5EncoderModel

from maatu_tts.engine.parler.checkpoint import Checkpoint
from maatu_tts.engine.parler.config import ParlerConfig


class TextEncoder(nn.Module):
    """T5's encoder, and the projection to the decoder's width where the two differ.

    Args:
        config: Of the model.
        checkpoint: Its tensors.
        like: Says type and device.
    """

    def __init__(self, config: ParlerConfig, checkpoint: Checkpoint, like: Tensor) -> None:
        super().__init__()
        fields = {name: value for name, value in config.text_encoder.items() if name != "model_type"}
        with torch.device("meta"):
            self.encoder = T5EncoderModel(T5Config(**fields))
        prefix = "text_encoder."
        # The token embedding has two names, of which checkpoints hold one.
        shared = "shared.weight" if f"{prefix}shared.weight" in checkpoint else "encoder.embed_tokens.weight"
        embedding = checkpoint.take(prefix + shared, self.encoder.shared.weight.shape).to(like)
        tensors = {
            name: checkpoint.take(prefix + name, parameter.shape).to(like)
            for name, parameter in self.encoder.named_parameters()
            if name not in ("shared.weight", "encoder.embed_tokens.weight")
        }
        tensors |= {"shared.weight": embedding, "encoder.embed_tokens.weight": embedding}
        self.encoder.load_state_dict(tensors, assign=True)
        self.encoder.requires_grad_(False)

        width, hidden = self.encoder.config.hidden_size, config.decoder.hidden
        self.project: nn.Linear | None = None
        if width != hidden:
            self.project = nn.Linear(width, hidden, device="meta")
            weight = checkpoint.take("enc_to_dec_proj.weight", (hidden, width)).to(like)
            self.project.weight = nn.Parameter(weight, requires_grad=False)
            bias = checkpoint.take("enc_to_dec_proj.bias", (hidden,)).to(like)
            self.project.bias = nn.Parameter(bias, requires_grad=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids [length] → states [length, hidden of the decoder]."""
        states: Tensor = self.encoder(input_ids=ids[None]).last_hidden_state[0]
        return states if self.project is None else self.project(states)
