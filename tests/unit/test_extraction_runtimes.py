"""Model files and runtimes, sound and broken."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from edge_service.extraction import Extractor, ModelRefused, RuntimeMissing
from edge_service.extraction.extractor import DEFAULT_MODEL
from edge_service.extraction.native_stderr import without_lines
from edge_service.extraction.runtimes import load_network
from edge_service.extraction.runtimes.signatures import SignatureNetwork

MODEL = DEFAULT_MODEL.read_bytes()


def refused(path, *words: str) -> None:
    with pytest.raises(ModelRefused, match="make model") as caught:
        Extractor.load(path)
    assert caught.value.path == path
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_the_model_that_ships_loads():
    network = load_network(DEFAULT_MODEL, threads=1)
    assert network.shapes == ((192, 192), (288, 256), (416, 416))
    assert len(MODEL) < 2_000_000
    assert len(Extractor.load().model_sha256) == 64


def test_a_model_that_is_no_file(tmp_path):
    refused(tmp_path / "absent.tflite", "no such file")
    refused(tmp_path, "no such file")


@pytest.mark.parametrize(
    "content",
    [b"", b"TFL3", b"no model", bytes(4096), np.random.default_rng(1).bytes(20_000)],
    ids=["empty", "four bytes", "words", "zeros", "noise"],
)
def test_a_file_that_is_no_model(tmp_path, content):
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    refused(path, "no TensorFlow Lite model")


@pytest.mark.parametrize("share", [0.00001, 0.001, 0.01, 0.05, 0.25, 0.5, 0.9, 0.999, 0.9999995])
def test_a_model_cut_short(tmp_path, share):
    path = tmp_path / "m.tflite"
    path.write_bytes(MODEL[: max(8, int(len(MODEL) * share))])
    refused(path, "damaged or cut short")


def test_a_beginning_that_fits_and_a_rest_that_does_not(tmp_path):
    path = tmp_path / "m.tflite"
    for rest in (bytes(100_000), np.random.default_rng(2).bytes(100_000)):
        path.write_bytes(MODEL[:8] + rest)
        refused(path)


def other_model(tmp_path, change):
    """A sound TensorFlow Lite file, but not one of ours: the model with its description changed."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(MODEL, 0))
    for buffer in model.buffers:  # the weights, from behind the FlatBuffer into it
        if buffer.offset:
            buffer.data = np.frombuffer(MODEL, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    change(model)
    builder = flatbuffers.Builder(len(MODEL))
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "other.tflite"
    path.write_bytes(bytes(builder.Output()))
    return path


def test_packed_anew_the_model_is_still_ours(tmp_path):
    path = other_model(tmp_path, lambda model: None)
    image = np.random.default_rng(1).integers(0, 256, (192, 192), np.uint8)
    outputs = [load_network(p, threads=1).run(image) for p in (path, DEFAULT_MODEL)]
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-3


def test_a_sound_model_for_something_else(tmp_path):
    def unnamed(model) -> None:
        model.signatureDefs = []

    def renamed(model) -> None:
        for signature in model.signatureDefs:
            signature.signatureKey = b"serving_default"

    def mislabelled(model) -> None:
        model.signatureDefs[0].signatureKey = b"s96x96"

    def two_outputs(model) -> None:
        signature = model.signatureDefs[0]
        signature.outputs = [*signature.outputs, *signature.inputs]

    refused(other_model(tmp_path, unnamed), "holds no input shapes")
    refused(other_model(tmp_path, renamed), "serving_default")
    refused(other_model(tmp_path, mislabelled), "s96x96")
    refused(other_model(tmp_path, two_outputs))


def test_an_operation_that_the_runtime_lacks_is_refused_at_the_start(tmp_path, capfd):
    def newer(model) -> None:
        for code in model.operatorCodes:
            code.version = 99

    refused(other_model(tmp_path, newer), "cannot be used")
    assert "Traceback" not in capfd.readouterr().err


def test_weights_that_are_infinite_are_refused(tmp_path):
    def spoilt(model) -> None:
        largest = max(model.buffers, key=lambda b: 0 if b.data is None else len(b.data))
        largest.data = np.full(len(largest.data) // 2, np.inf, np.float16).view(np.uint8)

    spoilt_model = Extractor.load(other_model(tmp_path, spoilt))
    image = np.random.default_rng(1).integers(0, 256, (192, 192), np.uint8)
    with pytest.raises(ModelRefused, match="weights are damaged"):
        spoilt_model.extract(image)


class BreaksDown:
    """An interpreter whose network is sound until it runs."""

    def __init__(self, **_options: object) -> None:
        self.shape = {"shape": np.array([1, 96, 96, 1]), "dtype": np.float32}

    def allocate_tensors(self) -> None: ...

    def get_signature_list(self) -> dict[str, object]:
        return {"s96x96": {}}

    def get_signature_runner(self, _name: str) -> BreaksDown:
        return self

    def get_input_details(self) -> dict[str, object]:
        return {"grey": self.shape}

    def get_output_details(self) -> dict[str, object]:
        return {"cells": {"shape": np.array([1, 24, 24, 7]), "dtype": np.float32}}

    def __call__(self, **_inputs: object) -> None:
        raise RuntimeError("out of\nmemory")


def test_a_runtime_that_breaks_down_while_it_runs():
    network = SignatureNetwork(BreaksDown, types.SimpleNamespace(path=DEFAULT_MODEL, content=b""), threads=1)
    with pytest.raises(ModelRefused, match=r"does not run \(out of memory\)"):
        network.run(np.zeros((96, 96), np.uint8))


def test_without_a_runtime_the_message_says_what_to_install(monkeypatch):
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RuntimeMissing, match="pip install ai-edge-litert") as caught:
        Extractor.load()
    assert set(caught.value.tried) == {"ai-edge-litert", "tflite-runtime"}
    assert all(caught.value.tried.values())


def test_a_broken_installation_falls_back_to_the_other_runtime(monkeypatch):
    """`tflite-runtime` has the same interface: LiteRT stands in for it here."""
    from ai_edge_litert import interpreter

    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime", types.ModuleType("tflite_runtime"))
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", interpreter)
    network = load_network(DEFAULT_MODEL, threads=1)
    assert type(network).__name__ == "TfliteRuntimeNetwork"
    assert network.run(np.zeros((192, 192), np.uint8)).shape == (48, 48, 7)


# -- descriptor 2


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False
    )


def test_nothing_is_written_to_stderr_by_the_native_code():
    done = run_python(
        "import numpy as np\nfrom edge_service.extraction import Extractor\n"
        "e = Extractor.load()\nfor side in (100, 250, 400, 500):\n"
        "    e.extract(np.random.default_rng(1).integers(0, 256, (side, side), np.uint8))\nprint('done')"
    )
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)


def test_a_service_without_stderr_loads_the_model():
    done = run_python(
        "import os\nos.close(2)\nfrom edge_service.extraction import Extractor\nExtractor.load()\nprint('done')"
    )
    assert (done.stdout, done.returncode) == ("done\n", 0)


def test_only_the_named_lines_are_kept_back(capfd):
    with without_lines(b"INFO: "):
        os.write(2, b'INFO: a note\nERROR: no memory\nINFO: another\n{"level": "warning"}\n')
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == 'ERROR: no memory\n{"level": "warning"}\n'
    os.write(2, b"INFO: as before\n")
    assert capfd.readouterr().err == "INFO: as before\n"


def test_after_an_error_stderr_is_back(capfd):
    def fails() -> None:
        with without_lines(b"INFO: "):
            os.write(2, b"said before\n")
            raise KeyError

    descriptors = Path("/proc/self/fd")
    open_before = len(list(descriptors.iterdir()))
    for _ in range(3):
        with pytest.raises(KeyError):
            fails()
    assert capfd.readouterr().err == "said before\n" * 3
    assert len(list(descriptors.iterdir())) == open_before
