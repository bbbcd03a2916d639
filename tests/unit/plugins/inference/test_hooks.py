"""Hooks mark prefill and decode with their tokens, and leave a model as it was.

The models are stand-ins with the hooks' own signatures; where transformers or llama_cpp is installed the real
ones run.
"""

from contextlib import suppress
from types import SimpleNamespace

import pytest
from scripted import machine

import microjoule as uj
from microjoule.plugins.inference import hugging_face_windows, llama_cpp_windows


class Cache:
    def __init__(self, held):
        self.held = held

    def get_seq_length(self):
        return self.held


class Handle:
    def __init__(self, of, hook):
        self.of, self.hook = of, hook
        of.append(hook)

    def remove(self):
        self.of.remove(self.hook)


class Model:
    """A module with torch's hooks around its forward pass."""

    def __init__(self, fails=False):
        self.before, self.after, self.fails = [], [], fails

    def register_forward_pre_hook(self, hook, *, with_kwargs):
        assert with_kwargs
        return Handle(self.before, hook)

    def register_forward_hook(self, hook, *, always_call):
        assert always_call
        return Handle(self.after, hook)

    def __call__(self, *args, **kwargs):
        for hook in self.before:
            hook(self, args, kwargs)
        try:
            if self.fails:
                raise RuntimeError("out of memory")
        finally:
            for hook in self.after:
                hook(self, args, None)

    def generate(self, rows, length, steps):
        cache = Cache(0)
        for new in (length, *[1] * steps):
            self(input_ids=SimpleNamespace(shape=(rows, new)), past_key_values=cache)
            cache.held += new


@pytest.fixture
def recorder(tmp_path):
    root = machine(tmp_path / "root")
    return uj.record(tmp_path / "t.arrows", uj.Meter(sources=["script"], root=root))


def marks(recorder):
    return [(each.name, each.attributes["tokens"]) for each in recorder.trace.windows]


def test_a_generation_is_a_prefill_and_its_steps(recorder):
    model = Model()
    with recorder, hugging_face_windows(model, sync=None):
        model.generate(rows=3, length=7, steps=4)
    assert marks(recorder) == [("prefill", 21), *[("decode", 3)] * 4]
    assert (model.before, model.after) == ([], [])
    by_name = {row.name: row for row in recorder.trace.by_name()}
    assert sum(row.count for name, row in by_name.items() if "code" in name or "fill" in name) == 5


def test_a_pass_that_fails_closes_its_window(recorder):
    model = Model(fails=True)
    with recorder, hugging_face_windows(model, sync=None):
        for _ in range(2):
            with suppress(RuntimeError):
                model.generate(rows=1, length=2, steps=0)
    assert marks(recorder) == [("prefill", 2), ("prefill", 2)]
    assert not any(window.is_open for window in recorder.trace.recorded_windows)


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((SimpleNamespace(shape=(2, 5)),), {}, ("prefill", 10)),
        ((), {"inputs_embeds": SimpleNamespace(shape=(2, 5, 64))}, ("prefill", 10)),
        ((SimpleNamespace(shape=(4,)),), {}, ("prefill", 4)),
        ((), {}, ("prefill", 0)),
        ((object(),), {"past_key_values": object()}, ("decode", 0)),
        ((object(),), {"cache": object(), "past_key_values": None}, ("decode", 0)),
        ((), {"input_ids": SimpleNamespace(shape=(2, 1)), "cache": Cache(5)}, ("decode", 2)),
        ((), {"input_ids": SimpleNamespace(shape=(2, 5)), "cache": Cache(0)}, ("prefill", 10)),
        ((), {"decoder_input_ids": SimpleNamespace(shape=(2, 1))}, ("prefill", 2)),
    ],
)
def test_odd_inputs_break_nothing(recorder, args, kwargs, expected):
    model = Model()
    with recorder, hugging_face_windows(model, sync=None):
        model(*args, **kwargs)
    assert marks(recorder) == [expected]


class Llama:
    """A Llama whose call evaluates a prompt and then token by token."""

    def __init__(self):
        self.seen = []

    def eval(self, tokens):
        self.seen.append(list(tokens))

    def __call__(self, prompt, n):
        self.eval(prompt)
        for token in range(n):
            self.eval([token])


def test_a_llama_is_marked_and_given_back(recorder):
    llm = Llama()
    with recorder, llama_cpp_windows(llm):
        llm([1, 2, 3], 2)
    assert marks(recorder) == [("prefill", 3), ("decode", 1), ("decode", 1)]
    assert llm.seen == [[1, 2, 3], [0], [1]]
    assert "eval" not in vars(llm)


def test_a_real_transformers_model_is_marked(recorder):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2
    )
    model = transformers.LlamaForCausalLM(config)
    with recorder, hugging_face_windows(model):
        model.generate(torch.ones((2, 5), dtype=torch.long), max_new_tokens=3, min_new_tokens=3)
    assert marks(recorder) == [("prefill", 10), ("decode", 2), ("decode", 2)]
