# SPDX-License-Identifier: Apache-2.0
"""The models that are trained: each with a local batch, and steps of a round."""

import pathlib
import sys
from typing import Callable, NamedTuple

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "peers"))
from zoo import MODELS  # noqa: E402

WORDS, WIDTH, LENGTH = 8192, 256, 64


class Gpt(nn.Module):
    """5.3 million parameters: 4 layers of width 256, and the embedding of words, which the output layer shares."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH), persistent=False)

    def forward(self, tokens):
        x = self.words(tokens) + self.places.weight
        return self.layers(x, mask=self.mask, is_causal=True) @ self.words.weight.T


class Case(NamedTuple):
    make: Callable[[], nn.Module]
    inputs: torch.Tensor
    targets: torch.Tensor
    steps: int  # of a round


def images(name, batch, steps):
    return Case(lambda: MODELS[name]((1, 28, 28), 10), torch.randn(batch, 1, 28, 28), torch.randint(0, 10, (batch,)),
                steps)


def cases():
    """Cases by name."""
    tokens = torch.randint(0, WORDS, (2, LENGTH + 1))
    return {"mlp": images("mlp", 64, 8), "lenet5": images("lenet5", 64, 8),
            "gpt": Case(Gpt, tokens[:, :-1], tokens[:, 1:], 4), "resnet18": images("resnet18", 16, 1)}
