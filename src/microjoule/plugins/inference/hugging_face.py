"""Windows around each forward pass of Hugging Face's ``generate``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...recording.marking import window

PREFILL, DECODE = "prefill", "decode"


@contextmanager
def hugging_face_windows(model: Any, *, sync: str | None = "torch") -> Iterator[None]:  # noqa: ANN401
    """Marks each forward pass of a model: ``prefill`` where its cache is empty, ``decode`` after that.

    Both have the attribute ``tokens``: how many the pass computed, over the whole batch, padding included.

    Args:
        model: A ``transformers`` model, or another ``torch.nn.Module`` that takes ``input_ids`` and
            ``past_key_values``.
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
    given = next((kwargs[key] for key in ("input_ids", "inputs_embeds") if kwargs.get(key) is not None), None)
    given = args[0] if given is None and args else given
    shape = tuple(getattr(given, "shape", ()))
    rows, length = shape[:2] if len(shape) > 1 else (1, *shape[:1])[:2] if shape else (0, 0)
    past = kwargs.get("past_key_values")
    held = getattr(past, "get_seq_length", None)
    is_empty = past is None or (held is not None and held() == 0)
    return PREFILL if is_empty else DECODE, int(rows) * int(length)
