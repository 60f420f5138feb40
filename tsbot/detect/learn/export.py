"""A trained network as an ONNX graph with 8-bit weights."""

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


class _One(nn.Module):
    """The network for one window at a time, without padding."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        answers, facets = self.network(words, torch.ones(words.shape[0], words.shape[1]))
        return answers, facets


def onnx_graph(network: Network) -> bytes:
    """Export and quantise: weights to 8 bits with a scale per output channel, activations when they arise."""
    network.eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks of a successor that needs another package
        whole, small = Path(folder, "whole.onnx"), Path(folder, "small.onnx")
        torch.onnx.export(
            _One(network),
            (torch.zeros(1, 8, WIDTH),),
            str(whole),
            input_names=["words"],
            output_names=["answers", "facets"],
            dynamic_axes={"words": {1: "pieces"}, "facets": {1: "pieces"}},
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
