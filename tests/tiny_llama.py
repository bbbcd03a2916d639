"""A real inference server with a model of random weights: llama.cpp through ``xllamacpp``, which batches.

``python tiny_llama.py FOLDER`` writes a model of 5 MB into FOLDER, serves it on a free port, which it prints,
and waits for the end of its input.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 256, 4, 4, 512, 4096
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # kinds of tokens in a vocabulary


def vocabulary():
    """Tokens, scores and kinds of a byte-level SentencePiece vocabulary."""
    rows = [(b"<unk>", 0.0, UNKNOWN), (b"<s>", 0.0, CONTROL), (b"</s>", 0.0, CONTROL)]
    rows += [(f"<0x{byte:02X}>".encode(), 0.0, BYTE) for byte in range(256)]
    rows += [("▁".encode(), -1.0, NORMAL)]
    rows += [(bytes([byte]), -1.0 - byte, NORMAL) for byte in range(33, 127)]
    while len(rows) % 32:
        rows.append((f"filler{len(rows)}".encode(), -500.0, NORMAL))
    return tuple(zip(*rows, strict=True))


def write_model(path: Path) -> None:
    """A llama model that says nothing sensible."""
    rng = np.random.default_rng(1)
    tokens, scores, kinds = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    for name, value in {
        "context_length": CONTEXT, "embedding_length": WIDTH, "block_count": LAYERS,
        "feed_forward_length": INNER, "head_count": HEADS, "head_count_kv": HEADS, "layer_norm_rms_eps": 1e-5,
        "rope_dimension_count": WIDTH // HEADS, "vocab_size": len(tokens), "tokenizer_model": "llama",
        "token_list": tokens, "token_scores": scores, "token_types": kinds, "bos_token_id": 1,
        "eos_token_id": 2, "unk_token_id": 0, "add_bos_token": True,
        "file_type": gguf.LlamaFileType.MOSTLY_Q8_0, "name": "tiny-random",
        "chat_template": "{% for m in messages %}{{ m['content'] }}\n{% endfor %}",
    }.items():  # fmt: skip
        getattr(writer, f"add_{name}")(value)
    kind = gguf.GGMLQuantizationType.Q8_0

    def matrix(name: str, rows: int, columns: int) -> None:
        weights = (rng.standard_normal((rows, columns)) * 0.05).astype(np.float32)
        writer.add_tensor(f"{name}.weight", gguf.quants.quantize(weights, kind), raw_dtype=kind)

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    matrix("token_embd", len(tokens), WIDTH)
    matrix("output", len(tokens), WIDTH)
    norm("output_norm")
    for layer in range(LAYERS):
        norm(f"blk.{layer}.attn_norm")
        norm(f"blk.{layer}.ffn_norm")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"blk.{layer}.{part}", WIDTH, WIDTH)
        matrix(f"blk.{layer}.ffn_gate", INNER, WIDTH)
        matrix(f"blk.{layer}.ffn_up", INNER, WIDTH)
        matrix(f"blk.{layer}.ffn_down", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    import xllamacpp

    path = Path(sys.argv[1]) / "tiny.gguf"
    write_model(path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel, parameters.port = CONTEXT, 4, port
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    print(f"\nport {server.listening_address}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
