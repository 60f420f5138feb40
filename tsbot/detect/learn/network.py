"""The encoder as a PyTorch module that can be trained, and as an ONNX graph that is shipped."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentencepiece import SentencePieceTrainer, sentencepiece_model_pb2
from torch import Tensor, nn
from torch.nn import functional

from tsbot.detect.encoder import BEGIN, END, FACETS, PAD, QUESTIONS, UNKNOWN, WIDTH
from tsbot.detect.learn.base import NORMS, Base

LAYERS = 12
"""All of the base's. Six are twice as fast and rank worse: .979 against .988 on held-out Wikipedia talk, .865 against .917 on annotated
look-alikes, after one epoch each."""
EARLY = 3
"""Layers after which a glance says whether reading on is worth it."""
HEADS, INNER = 12, 1536
EPSILON = 1e-12
DROPOUT = 0.1


class Layer(nn.Module):
    """A layer of BERT (Devlin et al. 2019): self-attention, then two linear maps, each added and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)  # queries, keys and values in one product, which costs less than three
        self.ao = nn.Linear(WIDTH, WIDTH)
        self.fi, self.fo = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.aln, self.oln = nn.LayerNorm(WIDTH, EPSILON), nn.LayerNorm(WIDTH, EPSILON)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """``states`` (texts, pieces, width); ``bias`` (texts, 1, 1, pieces) is added to the attention's margins."""
        texts, pieces, _ = states.shape

        def split(tensor: Tensor) -> Tensor:
            return tensor.view(texts, pieces, HEADS, WIDTH // HEADS).transpose(1, 2)

        queries, keys, values = (split(part) for part in self.qkv(states).split(WIDTH, dim=2))
        margins = queries @ keys.transpose(2, 3) * (WIDTH // HEADS) ** -0.5 + bias
        mixed = (functional.softmax(margins, dim=-1) @ values).transpose(1, 2).reshape(texts, pieces, WIDTH)
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
        self.spread_early, self.glance = nn.LayerNorm(2 * WIDTH, EPSILON), nn.Linear(2 * WIDTH, 1)
        self.questions = nn.Linear(2 * WIDTH, len(QUESTIONS))
        self.facets = nn.Linear(WIDTH, len(FACETS))
        self.dropout = nn.Dropout(DROPOUT)
        with torch.no_grad():
            self.ln.weight.copy_(torch.from_numpy(base.tensors["ln.w"]))
            self.ln.bias.copy_(torch.from_numpy(base.tensors["ln.b"]))
            for number, layer in enumerate(self.layers):
                for name in ("weight", "bias"):
                    for part in ("ao", "fi", "fo", *NORMS):
                        getattr(getattr(layer, part), name).copy_(torch.from_numpy(base.tensors[f"l{number}.{part}.{name[0]}"]))
                    together = [torch.from_numpy(base.tensors[f"l{number}.{part}.{name[0]}"]) for part in "qkv"]
                    getattr(layer.qkv, name).copy_(torch.cat(together))
            for head in (self.questions, self.facets, self.glance):
                head.weight.normal_(0, 0.01)
            self.questions.bias.fill_(-1.0)
            self.glance.bias.fill_(-1.0)
            self.facets.bias.fill_(-3.0)

    def first(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``words`` (texts, pieces, width), ``mask`` (texts, pieces); states after ``EARLY`` layers, and the margin of a glance (texts)."""
        states = self.ln(words + self.pos[: words.shape[1]])
        for layer in self.layers[:EARLY]:
            states = layer(states, _bias(mask))
        return states, self.glance(self.dropout(self.spread_early(_pooled(states, mask))))[:, 0]

    def rest(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """On from there: margins (texts, questions) and (texts, pieces, facets)."""
        for layer in self.layers[EARLY:]:
            states = layer(states, _bias(mask))
        pooled = self.dropout(self.spread(_pooled(states, mask)))
        return self.questions(pooled), self.facets(self.dropout(self.spread_each(states)))


def _bias(mask: Tensor) -> Tensor:
    return (1.0 - mask)[:, None, None, :] * -1e4


def _pooled(states: Tensor, mask: Tensor) -> Tensor:
    """Mean of the pieces, and the first."""
    mean = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
    return torch.cat((mean, states[:, 0]), dim=1)


def pieces_model(pieces: Sequence[str], scores: NDArray[np.float32]) -> bytes:
    """The base's pieces (XLM-RoBERTa's, unigram) as a SentencePiece model that normalises as theirs does (``nmt_nfkc``)."""
    made = io.BytesIO()
    # SentencePiece gives its table of normal forms to models that it trains; of this one nothing else is kept.
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e f g"] * 40),
        model_writer=made,
        vocab_size=12,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    proto: Any = sentencepiece_model_pb2  # generated, without types
    model = proto.ModelProto.FromString(made.getvalue())
    model.ClearField("pieces")
    model.ClearField("trainer_spec")
    spec, sort = model.trainer_spec, proto.ModelProto.SentencePiece
    spec.model_type, spec.bos_id, spec.pad_id, spec.eos_id, spec.unk_id = spec.UNIGRAM, BEGIN, PAD, END, UNKNOWN
    kinds = {UNKNOWN: sort.UNKNOWN, **dict.fromkeys((BEGIN, PAD, END), sort.CONTROL)}
    for number, (piece, score) in enumerate(zip(pieces, scores, strict=True)):
        model.pieces.add(piece=piece, score=float(score), type=kinds.get(number, sort.NORMAL))
    content: bytes = model.SerializeToString(deterministic=True)
    return content
