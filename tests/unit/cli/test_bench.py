"""``uj bench`` against a scripted server that batches, beside a counter whose power the batches decide."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from microjoule.bench import load, prompts
from microjoule.bench.steady import steady
from microjoule.bench.streaming import Target
from microjoule.cli import main
from microjoule.errors import BadRequest, ServerFailed

pytest.importorskip("httpx")
SERVER = Path(__file__).parents[2] / "batching_server.py"
S = 1_000_000_000
SHORT = ("--idle", "1s", "--prompt-words", "10-400", "--output-tokens", "16", "--rate", "500")


@contextmanager
def served(folder, **settings):
    folder.mkdir()
    words = [sys.executable, str(SERVER), str(folder), json.dumps(settings)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()


def bench(capsys, url, folder, *words):
    more = ("--source", "script", "--root", folder, *SHORT, *words)
    code = main(["bench", url, *map(str, more)])
    return code, *capsys.readouterr()


def near(figure, truth, times=4.0):
    """Within some expanded uncertainties: one run's intervals are one draw."""
    return abs(figure["value"] - truth) <= times * figure["U"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """One run of two levels: its exit code, its document, and what the server says of its requests."""
    folder = tmp_path_factory.mktemp("bench")
    keep = {name: folder / f"kept.{name}" for name in ("json", "jsonl", "arrows", "html")}
    words = (
        "bench", "URL", "--source", "script", "--root", str(folder / "root"), *SHORT, "-c", "2,6",
        "--duration", "5s", "--json", keep["json"], "--log", keep["jsonl"], "-o", keep["arrows"],
        "--plot", keep["html"], "--price", "0.30 EUR/kWh",
    )  # fmt: skip
    with served(folder / "root") as url:
        environment = {**os.environ, "COLUMNS": "80"}
        ran = subprocess.run(
            [sys.executable, "-m", "microjoule", *[str(w).replace("URL", url) for w in words]],
            capture_output=True, text=True, timeout=120, env=environment,
        )  # fmt: skip
    truth = json.loads((folder / "root/truth.json").read_text())
    return ran, keep, truth


def test_figures_are_those_of_the_server(done):
    ran, keep, _ = done
    plain = json.loads(keep["json"].read_text())
    assert plain["schema"] == "microjoule.bench/1"
    figured = [level for level in plain["levels"] if level["figures"]]
    assert figured, ran.stdout
    assert ran.returncode == 0, ran.stderr
    for level in figured:
        figures = level["figures"]
        assert all(figure["U"] is not None for figure in figures.values())
        assert near(figures["prefill_per_input_token"], 0.02)
        assert near(figures["decode_per_output_token"], 0.1)
        assert near(figures["idle_power"], 50.0)
        by_power = figures["power"]["value"] / figures["output_tokens_per_s"]["value"]
        assert figures["per_output_token"]["value"] == pytest.approx(by_power, rel=0.02)
        foot = level["per_million_output_tokens"]
        million_kwh = figures["per_output_token"]["value"] * 1e6 / 3.6e6
        assert foot["cost_electricity"]["value"] == pytest.approx(0.30 * million_kwh, rel=1e-9)
        assert foot["co2e_location"]["value"] > 0


def test_what_is_printed_fits_80_columns_and_begins_with_the_answer(done):
    ran, _, _ = done
    lines = ran.stdout.splitlines()
    assert "An output token of scripted takes" in lines[0]
    assert all(len(line) <= 80 for line in lines), ran.stdout


def test_the_kept_log_and_trace_give_each_request_its_energy(done, capsys):
    _, keep, truth = done
    assert main(["attribute", str(keep["arrows"]), str(keep["jsonl"]), "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert len(rows) in (len(truth) - 1, len(truth) - 2)  # one was the check, one may be cut
    tokens = sorted(row["gen_ai.usage.input_tokens"] for row in rows)
    assert set(tokens) <= {each["prompt"] for each in truth}
    value = {row["gen_ai.usage.input_tokens"]: row["energy"] for row in rows}
    once = [each for each in truth if tokens.count(each["prompt"]) == 1]
    true = np.array([each["prefill_j"] + each["decode_j"] + each["running_j"] for each in once])
    found = np.array([value[each["prompt"]]["value"] for each in once])
    assert len(once) > 10
    assert np.sqrt(np.mean(((found - true) / true) ** 2)) < 0.15
    equal = true.mean()
    assert np.sqrt(np.mean((found - true) ** 2)) < 0.3 * np.sqrt(np.mean((equal - true) ** 2))


def test_the_picture_is_a_page_with_a_point_a_level(done):
    _, keep, _ = done
    text = keep["html"].read_text()
    (start, end) = text.index("<svg"), text.index("</svg>") + 6
    picture = ET.fromstring(text[start:end])
    levels = [level for level in json.loads(keep["json"].read_text())["levels"] if level["figures"]]
    circles = picture.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) >= len(levels)


BAD = {
    "no counts": ({"usage": False}, "without token counts"),
    "no JSON": ({"garbled": True}, "the stream is not JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_server_with_which_nothing_can_be_counted_is_refused_at_once(tmp_path, capsys, name):
    settings, words = BAD[name]
    with served(tmp_path / "root", **settings) as url:
        code, out, err = bench(capsys, url, tmp_path / "root", "--duration", "1h")
    assert (code, out) == (1, "")
    assert words in err


def test_a_server_that_stops_keeps_no_figure_of_that_level(tmp_path, capsys):
    with served(tmp_path / "root", dies_after=20) as url:
        code, out, err = bench(capsys, url, tmp_path / "root", "-c", "2,4", "--duration", "30s")
    assert code == 1
    assert "stopped answering at 2 at once" in err
    assert "No level of scripted has a figure" in " ".join(out.split())


def test_a_run_too_short_for_a_steady_state_has_no_figure(tmp_path, capsys):
    with served(tmp_path / "root", step_s=0.05) as url:
        code, out, _ = bench(capsys, url, tmp_path / "root", "-c", "1", "--duration", "1s")
    assert code == 1
    assert "longer --duration" in " ".join(out.split())
    assert "±" not in out


def test_failures_and_bursts_are_said(tmp_path, capsys):
    with served(tmp_path / "root", fails=10, burst=16) as url:
        words = ("-c", "3", "--duration", "4s", "--json", "-")
        code, out, _ = bench(capsys, url, tmp_path / "root", *words)
    (level,) = json.loads(out)["levels"]
    assert level["requests"]["failed"] > 0
    said = " ".join([*level["notes"], level["why_no_figures"] or ""])
    assert code == (1 if level["why_no_figures"] else 0)
    assert "HTTP 500: out of memory" in said or "longer" in said
    assert "time_per_output_token" not in level["figures"]
    assert "decode_per_output_token" not in level["figures"]


def test_nobody_there_and_no_endpoint_are_named(tmp_path, capsys):
    code, _, err = bench(capsys, "http://127.0.0.1:9", tmp_path)
    assert code == 1
    assert "No server answers at http://127.0.0.1:9" in err
    assert "No server answers at http://127.0.0.1:9:" in bench(capsys, "127.0.0.1:9/v1/", tmp_path)[2]
    for wrong in ("ftp://127.0.0.1", "http://127.0.0.1:port", "http://"):
        with pytest.raises(SystemExit):
            bench(capsys, wrong, tmp_path)
        assert f"{wrong!r} is not an HTTP address" in capsys.readouterr().err
    with served(tmp_path / "root") as url:
        with pytest.raises(ServerFailed, match="HTTP 404: no such path"):
            load.checked(url, Target("/v1/nothing", "m", 4, False))
        with pytest.raises(ServerFailed, match="not an OpenAI-compatible endpoint"):
            load.model_of(f"{url}/other")


def test_an_open_loop_sends_at_its_rate(tmp_path):
    with served(tmp_path / "root") as url:
        target = Target("/v1/completions", "m", 4, False)
        played = load.play(url, target, prompts.of_length((3, 9), 1), load.Level(0, 30.0, 2.0))
    assert 35 <= len(played.answers) <= 90
    assert all(answer.row for answer in played.answers)


def test_the_steady_part_leaves_the_beginning_out_and_drift_is_seen():
    rng = np.random.default_rng(1)
    slow, fast = rng.uniform(0, 2 * S, 50), rng.uniform(2 * S, 20 * S, 9000)
    times = np.sort(np.concatenate((slow, fast)).astype(np.int64))
    found = steady(times, 0, 20 * S, 0.1 * S)
    assert 1.5 * S <= found.t0_ns <= 4 * S
    assert found.drift == 0.0
    rising = np.sort((np.sqrt(rng.uniform(0, 1, 9000)) * 20 * S).astype(np.int64))
    assert steady(rising, 0, 20 * S, 0.1 * S).drift > 0.1
    assert steady(np.empty(0, np.int64), 0, S, 1.0) is None


def test_prompts_have_the_wanted_lengths_and_files_are_read(tmp_path):
    drawn = prompts.of_length((5, 50), 3)
    lengths = {len(next(drawn).split()) for _ in range(3000)}
    assert (min(lengths), max(lengths)) == (5, 50)
    path = tmp_path / "prompts.txt"
    path.write_text('plain words\n\n{"prompt": "of JSON"}\n')
    asked = prompts.of_file(path)
    assert [next(asked) for _ in range(3)] == ["plain words", "of JSON", "plain words"]
    path.write_text("\n")
    with pytest.raises(BadRequest, match="no prompt"):
        prompts.of_file(path)


@pytest.mark.parametrize(
    "words",
    [
        ("-c", "0"),
        ("-c", "two"),
        ("--request-rate", "-1"),
        ("--prompt-words", "9-3"),
        ("--output-tokens", "0"),
    ],
)
def test_bad_words_are_usage(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["bench", "http://127.0.0.1:9", *words])
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
