"""The energy of inference: hooks for generation in this process, and logs of a server's requests.

    from microjoule.plugins.inference import hugging_face_windows, llama_cpp_windows

    with uj.record("run.arrows") as rec, hugging_face_windows(model):
        model.generate(**inputs, max_new_tokens=64)
    for row in rec.trace.by_name():
        print(row.name, row.per_unit["tokens"])

Each marks a window ``prefill`` where a prompt is computed and a window ``decode`` for each step after it,
with how many ``tokens`` it computed. Under ``uj run`` the report has their energies. The libraries themselves
are not imported here: what is given is what is hooked.

Offline engines that batch (vLLM's ``LLM``, SGLang's ``Engine``) compute prompts and answers of many requests
in one step, so that a window around a step is of all of them. Mark the whole call, and keep each request's
times: ``docs/tutorial/inference.md`` has the pattern, and ``uj attribute`` gives each request its share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...late import lazy

if TYPE_CHECKING:
    from .hugging_face import hugging_face_windows as hugging_face_windows
    from .llama_cpp import llama_cpp_windows as llama_cpp_windows

_HOMES = {"hugging_face_windows": "hugging_face", "llama_cpp_windows": "llama_cpp"}
__all__ = list(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
