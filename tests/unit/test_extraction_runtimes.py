"""Model files and runtimes, sound and broken."""

from __future__ import annotations

import hashlib
import json
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
from edge_service.extraction.runtimes.model_card import ModelCard
from interchange.messages import ModelReference

MODEL = DEFAULT_MODEL.read_bytes()


def refused(path, *words: str) -> None:
    """Refused for what the file is, whatever its card may say."""
    with pytest.raises(ModelRefused, match="make model") as caught:
        Extractor.load(path, card=False)
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


@pytest.mark.parametrize("share", [0.00001, 0.001, 0.01, 0.05, 0.25, 0.5, 0.9, 0.999, 0.999999])
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
        (graph, *_) = model.subgraphs
        head = graph.tensors[graph.operators[-1].inputs[1]]  # in float32, though the rest is in int8
        weights = model.buffers[head.buffer]
        weights.data = np.full(len(weights.data) // 4, np.inf, np.float32).view(np.uint8)

    spoilt_model = Extractor.load(other_model(tmp_path, spoilt), card=False)
    image = np.random.default_rng(1).integers(0, 256, (192, 192), np.uint8)
    with pytest.raises(ModelRefused, match="weights are damaged"):
        spoilt_model.extract(image)


# -- the card beside the model


CARD = json.loads(DEFAULT_MODEL.with_suffix(".json").read_text())


def carded(folder, card: object = CARD, *, content: bytes = MODEL, name: str = "minutiae.tflite") -> Path:
    """The model, or something else, with a card beside it: a mapping, or the card's text."""
    path = folder / name
    path.write_bytes(content)
    text = card if isinstance(card, str) else json.dumps(card)
    path.with_suffix(".json").write_text(text)
    return path


def card_refused(path, *words: str) -> str:
    with pytest.raises(ModelRefused) as caught:
        Extractor.load(path)
    message = str(caught.value)
    for word in (*words, "restore models/minutiae.tflite and models/minutiae.json", "make model"):
        assert word in message
    assert "\n" not in message
    return message


def test_the_model_is_known_by_its_card(tmp_path):
    extractor = Extractor.load(carded(tmp_path))
    assert extractor.model_sha256 == hashlib.sha256(MODEL).hexdigest() == CARD["sha256"]
    assert extractor.model_version == CARD["version"]
    assert Extractor.load(tmp_path / "minutiae.tflite", card=False).model_version is None


def test_weights_overwritten_in_place_are_noticed(tmp_path):
    changed = bytearray(MODEL)
    changed[len(changed) // 2] ^= 1
    message = card_refused(carded(tmp_path, content=bytes(changed)), "SHA-256 begins with", "sha256sum")
    assert CARD["sha256"][:12] in message
    assert hashlib.sha256(changed).hexdigest()[:12] in message


def test_a_model_without_a_card_or_with_anothers_is_refused(tmp_path):
    path = carded(tmp_path)
    path.with_suffix(".json").unlink()
    card_refused(path, "minutiae.json is missing")
    path.with_suffix(".json").mkdir()
    card_refused(path, "card cannot be read")
    path.with_suffix(".json").rmdir()
    card_refused(carded(tmp_path, name="other.tflite"), "speaks of another file, minutiae.tflite")
    card_refused(carded(tmp_path, {**CARD, "bytes": 7}), "7 bytes")
    fewer = {**CARD, "inputs": CARD["inputs"][:-1]}
    card_refused(carded(tmp_path, fewer), "its card says")


def test_the_card_is_asked_before_native_code_sees_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "edge_service.extraction.extractor.load_network", lambda *_, **__: pytest.fail("loaded")
    )
    card_refused(carded(tmp_path, {**CARD, "sha256": "0" * 64}), "000000000000")


def without(key: str) -> dict:
    return {k: v for k, v in CARD.items() if k != key}


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("", "Expecting value"),
        ("[]", "no JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"format": 1, "format": 1}', "twice"),
        ("{" + " " * 300_000 + "}", "larger than 256 KiB"),
        ({**CARD, "colour": "red"}, "unknown key, 'colour'"),
        ({**CARD, "format": 2}, "format: only format 1"),
        ({**CARD, "format": True}, "format"),
        ({**CARD, "sha256": CARD["sha256"].upper()}, "sha256"),
        ({**CARD, "bytes": -1}, "bytes"),
        ({**CARD, "bytes": 1.0}, "bytes"),
        ({**CARD, "version": "3"}, "version"),
        ({**CARD, "version": "3.0 "}, "version"),
        ({**CARD, "version": 3.0}, "version"),
        ({**CARD, "precision": "int4"}, "int8, float16, float32"),
        ({**CARD, "inputs": []}, "inputs"),
        ({**CARD, "inputs": [[288]]}, "inputs"),
        ({**CARD, "inputs": [[288, "256"]]}, "inputs"),
        ({**CARD, "planes": CARD["planes"][::-1]}, "planes: this software reads heat"),
        ({**CARD, "stride_px": 8}, "stride_px"),
        ({**CARD, "made_with": {"torch": 2}}, "made_with"),
        ({**CARD, "training": []}, "training"),
        *((without(key), f"{key} is missing") for key in CARD),
    ],
    ids=lambda v: v if isinstance(v, str) and len(v) < 40 else "card",
)
def test_a_card_is_read_strictly(tmp_path, card, words):
    card_refused(carded(tmp_path, card), "card cannot be understood", words)


def test_the_version_of_a_card_is_one_that_a_message_can_carry():
    for version in ("3.0", "0.0", "12.34.567", CARD["version"]):
        card = ModelCard.parse(json.dumps({**CARD, "version": version}))
        assert ModelReference(name="whorl", sha256="0" * 64, version=card.version).version == version


def test_without_a_runtime_the_message_says_what_to_install(monkeypatch):
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RuntimeMissing, match="pip install ai-edge-litert") as caught:
        Extractor.load()
    assert set(caught.value.tried) == {"ai-edge-litert", "tflite-runtime"}
    assert all(caught.value.tried.values())


def fake_runtime(monkeypatch, name: str, error: BaseException) -> None:
    """A runtime that is installed and raises `error` when it is loaded."""

    class Broken(types.ModuleType):
        def __getattr__(self, _name: str):
            raise error

    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, f"{name}.interpreter", Broken(f"{name}.interpreter"))


@pytest.mark.parametrize(
    "error",
    [
        ImportError("libfoo.so.1: cannot open shared object file"),
        OSError("libfoo.so.1: invalid ELF header"),
        AttributeError("libfoo.so.1 has no symbol"),
        SystemError("libfoo.so.1 broke down"),
        ModuleNotFoundError("No module named 'libfoo.so.1'", name="libfoo.so.1"),
    ],
)
def test_an_installed_runtime_that_cannot_be_loaded_is_told_from_a_missing_one(monkeypatch, error):
    fake_runtime(monkeypatch, "ai_edge_litert", error)
    monkeypatch.setitem(sys.modules, "tflite_runtime", None)
    with pytest.raises(RuntimeMissing, match="installed but cannot be loaded") as caught:
        Extractor.load()
    assert caught.value.broken == ("ai-edge-litert",)
    message = str(caught.value)
    assert "libfoo.so.1" in message
    assert "--force-reinstall ai-edge-litert" in message
    assert "tflite-runtime" not in message


def test_a_runtime_for_another_numpy_breaks_down_late_and_is_told(monkeypatch):
    """As tflite-runtime 2.14 does under numpy 2: it imports, and raises SystemError when it is given a model."""

    def make(**_options: object) -> None:
        raise SystemError("returned a result with an exception set") from ImportError(
            "numpy.core.multiarray failed"
        )

    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    module = types.ModuleType("tflite_runtime.interpreter")
    module.Interpreter = make
    monkeypatch.setitem(sys.modules, "tflite_runtime", types.ModuleType("tflite_runtime"))
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", module)
    with pytest.raises(RuntimeMissing, match=r"numpy\.core\.multiarray failed") as caught:
        Extractor.load()
    assert caught.value.broken == ("tflite-runtime",)
    assert "pip install ai-edge-litert" in str(caught.value)


def test_where_there_is_no_wheel_the_message_says_so(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "armv7l")
    assert "64-bit Raspberry Pi OS" in str(RuntimeMissing({}))
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert "64-bit" not in str(RuntimeMissing({}))
    monkeypatch.setattr(sys, "version_info", (3, 15, 0))
    assert "use Python 3.11 to 3.13" in str(RuntimeMissing({}))


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
