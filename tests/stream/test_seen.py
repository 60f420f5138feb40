"""The index of seen ids behaves like a list of everything seen, cut at the oldest end by whole generations."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.stream.seen import SeenIndex, blob, keys


def test_an_id_is_new_once() -> None:
    index = SeenIndex(100)
    batch = keys(["a", "b", "a"])
    assert index.new(batch).tolist() == [True, True, False]  # the first of a batch wins
    assert index.new(batch).tolist() == [True, True, False]  # asking changes nothing: the commit may still fail
    index.add(batch)
    assert index.new(keys(["b", "c"])).tolist() == [False, True]


def test_what_was_stored_is_known_after_a_restart() -> None:
    ids = [str(uuid.UUID(int=n)) for n in range(1000)]
    rows = [blob(keys(ids[i : i + 30])) for i in range(0, 1000, 30)]
    index = SeenIndex(1000)
    index.load(rows)
    assert not index.new(keys(ids)).any()
    assert index.new(keys(["another"])).all()


def test_damaged_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="damaged"):
        SeenIndex(10).load([b"123"])


def test_keys_do_not_depend_on_the_machine() -> None:
    assert blob(keys(["00000000-0000-4000-8000-000000000001"])).hex() == "20ae93ab5b52b7f6"


def test_any_text_has_a_key() -> None:
    assert len(keys(["", "\ud800", "é" * 1000])) == 3
    assert keys([]).shape == (0,)


def test_nothing_is_asked_or_added_in_an_empty_batch() -> None:
    index = SeenIndex(10)
    index.add(keys([]))
    assert index.new(keys([])).tolist() == []
    assert len(index) == 0


@given(
    capacity=st.integers(1, 40),
    batches=st.lists(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 60), max_size=30), max_size=12),
)
def test_it_equals_a_model(capacity: int, batches: list[list[int]]) -> None:
    index = SeenIndex(capacity)
    history: list[int] = []
    for batch in batches:
        array = np.array(batch, dtype=np.uint64)
        fresh = index.new(array)
        # The capacity is rounded up to whole generations; the one being filled comes on top.
        generation = -(-capacity // 4)
        kept = -(-capacity // generation) * generation
        remembered = set(history[max(0, len(history) // generation * generation - kept) :])
        for number, (key, is_new) in enumerate(zip(batch, fresh, strict=True)):
            assert is_new == (key not in remembered and key not in batch[:number])
        index.add(array)
        history += batch
        assert set(history[-capacity:]) <= {key for key in history if not index.new(np.array([key], dtype=np.uint64))[0]}
        assert len(index) <= kept + generation
