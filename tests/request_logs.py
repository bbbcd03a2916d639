"""Logs of requests as a server writes them, and `uj attribute` over them."""

import json

from microjoule.cli import main


def request_lines(scene, at=int, **changed):
    """Each request of a scene as a line has it; ``at`` turns instants into the log's."""
    log = scene.log
    for i in range(len(log)):
        plain = {
            "id": log.names[i],
            "start_ns": at(log.start_ns[i]),
            "first_token_ns": at(log.first_ns[i]),
            "end_ns": at(log.end_ns[i]),
            "gen_ai.usage.input_tokens": int(log.prompt[i]),
            "gen_ai.usage.cache_read.input_tokens": int(log.cached[i]),
            "gen_ai.usage.output_tokens": int(log.output[i]),
            "chunk_ns": [at(each) for each in log.pieces_ns[i]],
        }
        yield {key: value for key, value in {**plain, **changed}.items() if value is not None}


def saved(path, plains):
    path.write_text("".join(json.dumps(plain) + "\n" for plain in plains))
    return path


def attribute(capsys, *arguments):
    code = main(["attribute", *map(str, arguments)])
    return code, *capsys.readouterr()
