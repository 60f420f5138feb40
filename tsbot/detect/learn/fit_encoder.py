"""Training of the encoder on windows: seeded, and resumable after any interruption.

All answers of a window are learnt at once (multi-task learning, Caruana 1997) by binary cross-entropy with soft targets; what is
not known of a text costs nothing. Embeddings of pieces are frozen. AdamW (Loshchilov and Hutter 2019), a linear warm-up and
decline of the rate. A text is shown a little changed now and then (other case, no punctuation, slips of the keyboard), so that
the encoder does not rest on what any writer can change.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from torch.nn import functional

from tsbot.detect.encoder import FACETS, LONGEST, PAD, QUESTIONS, numbers_of, unpack
from tsbot.detect.learn.base import Base
from tsbot.detect.learn.network import Network, pieces_model

EPOCHS = 3
BATCH = 32
RATE, HEAD_RATE = 1e-4, 5e-3
WARM_UP = 0.06
DECAY = 0.01
SIDE = 0.25
"""What all the other questions together weigh, against 1 for whether it is a threat."""
GLANCE = 0.3
"""What the glance weighs."""
NOTABLE = ("threat", "doxing", "legal", "attack_name")
"""What a text is worth reading for: a glance says whether it is any of these."""
THREAT = 2.0
"""How much more a threat counts than a harmless text."""
KEEP_EVERY = 200
"""Steps after which what has been learnt is written down."""
THREADS = 2
"""Fixed: sums over another number of threads round otherwise, and figures would differ in the third digit."""
_TYPED = 0.02
_NOTABLE = [QUESTIONS.index(name) for name in NOTABLE]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of text with its answers."""

    text: str
    answers: Mapping[str, float]
    weight: float


Draw = Callable[[random.Random], list[Window]]
"""The windows of one epoch."""


def train_encoder(
    network: Network, base: Base, draw: Draw, seed: int, folder: Path, say: Callable[[str, float], None], epochs: int = EPOCHS
) -> Network:
    """Train, or go on where an earlier call with the same folder was stopped. ``say`` is told what is done, and the part of it."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    pieces = SentencePieceProcessor(model_proto=pieces_model(base.pieces, base.scores))
    heads = [parameter for head in (network.questions, network.facets, network.glance) for parameter in head.parameters()]
    ids = {id(parameter) for parameter in heads}
    body = [parameter for parameter in network.parameters() if id(parameter) not in ids]
    optimiser = torch.optim.AdamW([{"params": body, "lr": RATE}, {"params": heads, "lr": HEAD_RATE}], weight_decay=DECAY)
    steps: list[_Batch] = []
    for epoch in range(epochs):
        rng = random.Random(f"{seed}/{epoch}")  # noqa: S311 - shuffles, guards nothing
        steps += _batches(draw(rng), pieces, rng)
    total = len(steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, total))
    kept = folder / "encoder.pt"
    start = _resume(kept, network, optimiser, schedule)
    network.train()
    running = 0.0
    for step in range(start, total):
        torch.manual_seed(seed * 1_000_003 + step)  # what is dropped depends on the step alone, so a resumed run is the same run
        loss = _loss(network, base, steps[step])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad(set_to_none=True)
        running = 0.98 * running + 0.02 * loss.item() if running else loss.item()
        if step % 20 == 0:
            say(f"encoder, step {step} of {total}, loss {running:.3f}", step / total)
        if (step + 1) % KEEP_EVERY == 0:
            _keep(kept, network, optimiser, schedule, step + 1)
    network.eval()
    return network


@dataclass(frozen=True, slots=True)
class _Batch:
    ids: NDArray[np.int32]
    mask: NDArray[np.float32]
    targets: NDArray[np.float32]
    known: NDArray[np.float32]
    weights: NDArray[np.float32]


def _batches(windows: Sequence[Window], pieces: SentencePieceProcessor, rng: random.Random) -> Iterator[_Batch]:
    """Windows of like length together, in random order."""
    rows = [numbers_of(pieces, disturbed(window.text, rng)) for window in windows]
    order = list(range(len(windows)))
    rng.shuffle(order)
    order.sort(key=lambda index: min(len(rows[index]), LONGEST) // 6)
    groups = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    rng.shuffle(groups)
    names = (*QUESTIONS, *FACETS)
    for group in groups:
        ids, mask = padded([rows[index] for index in group])
        targets = np.zeros((len(group), len(names)), np.float32)
        known = np.zeros((len(group), len(names)), np.float32)
        weights = np.zeros(len(group), np.float32)
        for row, index in enumerate(group):
            window = windows[index]
            weights[row] = window.weight * (THREAT if window.answers.get("threat", 0.0) >= 0.5 else 1.0)
            for column, name in enumerate(names):
                if name in window.answers:
                    targets[row, column], known[row, column] = window.answers[name], 1.0
        yield _Batch(ids.astype(np.int32), mask, targets, known, weights)


def _loss(network: Network, base: Base, batch: _Batch) -> Tensor:
    mask = torch.from_numpy(batch.mask)
    with torch.autocast("cpu", torch.bfloat16):  # twice as fast where the processor has it
        states, glance = network.first(torch.from_numpy(unpack(base.words[batch.ids])), mask)
        asked, placed = network.rest(states, mask)
    margins = torch.cat((asked, _highest(placed, mask)), dim=1).float()
    each = functional.binary_cross_entropy_with_logits(margins, torch.from_numpy(batch.targets), reduction="none")
    each = each * torch.from_numpy(batch.known) * torch.from_numpy(batch.weights)[:, None]
    side = each[:, 1:].sum() / max(float(batch.known[:, 1:].sum()), 1.0) * min(1.0, float(batch.known[:, 1:].sum()) / len(each) / 8)
    main: Tensor = each[:, 0].mean()
    targets, known = (torch.from_numpy(some)[:, _NOTABLE] for some in (batch.targets, batch.known))
    notable = functional.binary_cross_entropy_with_logits(glance.float(), (targets * known).amax(dim=1), reduction="none")
    return main + SIDE * 8 * side + GLANCE * (notable * torch.from_numpy(batch.weights)).mean()


def padded(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of pieces made equally long, and a mask with 1 for what is real."""
    width = max(map(len, rows))
    ids = np.full((len(rows), width), PAD, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.float32)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask


def _highest(placed: Tensor, mask: Tensor) -> Tensor:
    """Of each facet the margin of the piece that answers most clearly; beginning and end of the window are no pieces."""
    real = mask.clone()
    real[:, 0] = 0
    real[torch.arange(len(real)), mask.sum(1).long() - 1] = 0
    return (placed - (1 - real)[:, :, None] * 1e4).amax(dim=1).clamp(min=-20)


def _rate(step: int, total: int) -> float:
    warm = max(1, int(WARM_UP * total))
    return min((step + 1) / warm, max(0.0, (total - step) / max(1, total - warm)))


def disturbed(text: str, rng: random.Random) -> str:
    """The text, now and then written otherwise."""
    dice = rng.random()
    if dice < 0.08:
        return text.lower()
    if dice < 0.11:
        return text.upper()
    if dice < 0.15:
        return "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in text)
    if dice < 0.19:
        bare = unicodedata.normalize("NFKD", text.lower()) if text[:1].isascii() or "\u00c0" <= text[:1] < "\u0250" else text
        return unicodedata.normalize("NFC", "".join(char for char in bare if not "\u0300" <= char < "\u0370"))
    if dice < 0.25 and len(text) > 8:
        return _slips(text, rng)
    return text


def _slips(text: str, rng: random.Random) -> str:
    """A few letters left out, doubled, or in the wrong order."""
    letters = list(text)
    for place in range(len(letters) - 1):
        if rng.random() < _TYPED and letters[place].isalpha():
            what = rng.randrange(3)
            if what == 0:
                letters[place] = ""
            elif what == 1:
                letters[place] *= 2
            else:
                letters[place], letters[place + 1] = letters[place + 1], letters[place]
    return "".join(letters)


def _keep(path: Path, network: Network, optimiser: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LambdaLR, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".new")
    parts = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
    torch.save({**parts, "step": step}, half)
    half.replace(path)


def _resume(path: Path, network: Network, optimiser: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LambdaLR) -> int:
    """The step to go on with."""
    if not path.exists():
        return 0
    kept = torch.load(path, weights_only=True)
    network.load_state_dict(kept["network"])
    optimiser.load_state_dict(kept["optimiser"])
    schedule.load_state_dict(kept["schedule"])
    return int(kept["step"])
