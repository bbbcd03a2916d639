"""Windows around each forward pass of Hugging Face's ``generate``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...recording.marking import window

PREFILL, DECODE = "prefill", "decode"
_INPUTS = ("input_ids", "inputs_embeds", "decoder_input_ids", "decoder_inputs_embeds")
_CACHES = ("cache", "past_key_values")  # transformers 5.24 hands on the first, versions before it the second


@contextmanager
def hugging_face_windows(model: Any, *, sync: str | None = "torch") -> Iterator[None]:  # noqa: ANN401
    """Marks each forward pass of a model: ``prefill`` where its cache is empty, ``decode`` after that.

    Both have the attribute ``tokens``: how many the pass computed, over the whole batch, padding included.

    Args:
        model: A ``transformers`` model, or another ``torch.nn.Module`` that takes ``input_ids`` and
            ``cache`` or ``past_key_values``. Of a model with an encoder its decoder's passes are marked.
        sync: ``torch``: wait for CUDA at each edge, without which a window holds launches and no work;
            None: for nothing.
    """
    opened: list[Any] = []

    def before(_: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        name, tokens = _pass(args, kwargs)
        mark = window(name, sync=sync, tokens=tokens)
        mark.__enter__()
        opened.append(mark)

    def after(*_: object) -> None:
        if opened:
            opened.pop().__exit__(None, None, None)

    hooks = (
        model.register_forward_pre_hook(before, with_kwargs=True),
        model.register_forward_hook(after, always_call=True),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        while opened:
            after()


def _pass(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, int]:
    """What a pass is, and how many tokens it computes; 0: its input says nothing."""
    given = _first(kwargs, _INPUTS)
    given = args[0] if given is None and args else given
    shape = tuple(getattr(given, "shape", ()))
    rows, length = shape[:2] if len(shape) > 1 else (1, *shape[:1])[:2] if shape else (0, 0)
    past = _first(kwargs, _CACHES)
    held = getattr(past, "get_seq_length", None)
    is_empty = past is None or (held is not None and int(held()) == 0)
    return PREFILL if is_empty else DECODE, int(rows) * int(length)


def _first(of: dict[str, Any], keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - an argument of any model
    """What the first of the keys that has something has; None: none has."""
    return next((of[key] for key in keys if of.get(key) is not None), None)
