"""A trained network as two ONNX graphs with 8-bit weights."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from tsbot.detect.encoder import WIDTH
from tsbot.detect.learn.network import Network

OPSET = 17


class _First(nn.Module):
    """The first layers, for one window at a time, without padding."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.first(words, torch.ones(words.shape[0], words.shape[1]))


class _Rest(nn.Module):
    """The other layers."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.rest(states, torch.ones(states.shape[0], states.shape[1]))


def onnx_graphs(network: Network) -> tuple[bytes, bytes]:
    """Export and quantise first and other layers: weights to 8 bits with a scale per output channel, activations when they arise."""
    network.eval()
    return _graph(_First(network), "words", ("states", "glance")), _graph(_Rest(network), "states", ("answers", "facets"))


def _graph(module: nn.Module, given: str, made: tuple[str, str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks of a successor that needs another package
        whole, small = Path(folder, "whole.onnx"), Path(folder, "small.onnx")
        torch.onnx.export(
            module,
            (torch.zeros(1, 8, WIDTH),),
            str(whole),
            input_names=[given],
            output_names=list(made),
            dynamic_axes={name: {1: "pieces"} for name in (given, *made) if name in ("words", "states", "facets")},
            opset_version=OPSET,
            dynamo=False,
        )
        options = {"MatMulConstBOnly": True}
        quantize_dynamic(whole, small, per_channel=True, weight_type=QuantType.QInt8, extra_options=options)
        graph = onnx.load(str(small))
        for node in graph.graph.node:
            node.doc_string = ""  # it names files of the machine that exported it
        content: bytes = graph.SerializeToString(deterministic=True)
        return content
