"""The encoder as a PyTorch module that can be trained, and as an ONNX graph that is shipped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor, nn
from torch.nn import functional

from tsbot.detect.encoder import FACETS, QUESTIONS, UNKNOWN, WIDTH
from tsbot.detect.learn.base import LINEAR, NORMS, Base

LAYERS = 12
"""All of the base's. Six are twice as fast and rank worse: .979 against .988 on held-out Wikipedia talk, .865 against .917 on annotated
look-alikes, after one epoch each."""
HEADS, INNER = 12, 1536
EPSILON = 1e-12
DROPOUT = 0.1


class Layer(nn.Module):
    """A layer of BERT (Devlin et al. 2019): self-attention, then two linear maps, each added and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.ao = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.fi, self.fo = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.aln, self.oln = nn.LayerNorm(WIDTH, EPSILON), nn.LayerNorm(WIDTH, EPSILON)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """``states`` (texts, pieces, width); ``bias`` (texts, 1, 1, pieces) is added to the attention's margins."""
        texts, pieces, _ = states.shape

        def split(tensor: Tensor) -> Tensor:
            return tensor.view(texts, pieces, HEADS, WIDTH // HEADS).transpose(1, 2)

        margins = split(self.q(states)) @ split(self.k(states)).transpose(2, 3) * (WIDTH // HEADS) ** -0.5 + bias
        mixed = (functional.softmax(margins, dim=-1) @ split(self.v(states))).transpose(1, 2).reshape(texts, pieces, WIDTH)
        states = self.aln(states + self.dropout(self.ao(mixed)))
        after: Tensor = self.oln(states + self.dropout(self.fo(functional.gelu(self.fi(states)))))
        return after


class Network(nn.Module):
    """Embeddings of pieces in, margins out."""

    def __init__(self, base: Base, layers: int = LAYERS) -> None:
        super().__init__()
        self.pos: Tensor
        self.register_buffer("pos", torch.from_numpy(base.tensors["pos"] + base.tensors["type"]))
        self.ln = nn.LayerNorm(WIDTH, EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        # The base's states lie close together (it was pretrained to tell texts apart by angles of a few degrees): spread them first.
        self.spread, self.spread_each = nn.LayerNorm(2 * WIDTH, EPSILON), nn.LayerNorm(WIDTH, EPSILON)
        self.questions = nn.Linear(2 * WIDTH, len(QUESTIONS))
        self.facets = nn.Linear(WIDTH, len(FACETS))
        self.dropout = nn.Dropout(DROPOUT)
        with torch.no_grad():
            self.ln.weight.copy_(torch.from_numpy(base.tensors["ln.w"]))
            self.ln.bias.copy_(torch.from_numpy(base.tensors["ln.b"]))
            for number, layer in enumerate(self.layers):
                for part in (*LINEAR, *NORMS):
                    module = getattr(layer, part)
                    module.weight.copy_(torch.from_numpy(base.tensors[f"l{number}.{part}.w"]))
                    module.bias.copy_(torch.from_numpy(base.tensors[f"l{number}.{part}.b"]))
            self.questions.weight.normal_(0, 0.01)
            self.facets.weight.normal_(0, 0.01)
            self.questions.bias.fill_(-1.0)
            self.facets.bias.fill_(-3.0)

    def forward(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``words`` (texts, pieces, width), ``mask`` (texts, pieces); margins (texts, questions) and (texts, pieces, facets)."""
        states = self.ln(words + self.pos[: words.shape[1]])
        bias = (1.0 - mask)[:, None, None, :] * -1e4
        for layer in self.layers:
            states = layer(states, bias)
        mean = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        pooled = self.dropout(self.spread(torch.cat((mean, states[:, 0]), dim=1)))
        return self.questions(pooled), self.facets(self.dropout(self.spread_each(states)))


def build_tokenizer(pieces: Sequence[str], scores: NDArray[np.float32]) -> Tokenizer:
    """The tokenizer of the base (XLM-RoBERTa's): NFKC, one space for several, unigram pieces."""
    tokenizer = Tokenizer(models.Unigram([(piece, float(score)) for piece, score in zip(pieces, scores, strict=True)], unk_id=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer
