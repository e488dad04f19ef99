"""The model card: `minutiae.json`, which software reads, and `MODEL_CARD.md`, which people read.

The second is written from the first alone, so a figure in the words is always a figure in the facts:

- `make model` writes both with what training knows;
- `python -m models.training.card --accuracy TABLE.json --worst WORST.json --cost COST.json` adds what the benchmarks
  measured, of the very file that the card speaks of, and writes both anew.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_service.extraction.errors import ModelRefused
from edge_service.extraction.parameters import SHAPES_PX, STRIDE_PX
from edge_service.extraction.runtimes.model_card import CARD_FORMAT, PLANES, ModelCard, card_path
from edge_service.extraction.runtimes.model_file import ModelFile
from models.training.card_figures import accuracy_facts, accuracy_tables, worst_facts, worst_tables
from models.training.card_text import TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.training.choose import Choice

UNRELEASED = "0.0"  # the version of a model that nobody has given one
DEFAULT_MODEL = Path("models/minutiae.tflite")
TOOLS = ("torch", "litert-torch", "ai-edge-quantizer")
NOT_MEASURED = "Not measured."


def write(
    *,
    model: Path,
    facts: Mapping[str, Any],
    choice: Choice | None,
    difference: float,
    model_version: str = UNRELEASED,
    precision: str = "float16",
) -> None:
    """Write the facts and the card of a model that was just made, beside it.

    Args:
        model: the .tflite that ships.
        facts: of the training; `card_text` and `_data` to `_procedure` here say which are told.
        choice: error rates that the checkpoint was chosen by.
        difference: largest difference of any output from torch.
        model_version: its version, for example 3.0.
        precision: int8, float16 or float32.
    """
    measured: dict[str, Any] = {"difference": difference}
    if choice is not None:
        measured["development_eer_percent"] = {c: dict(eer) for c, eer in choice.by_database.items()}
    made_with = {"python": platform.python_version()} | {t: v for t in TOOLS if (v := _version(t))}
    file = ModelFile.read(model)
    card = {
        "format": CARD_FORMAT,
        "file": model.name,
        "sha256": file.sha256,
        "bytes": len(file.content),
        "version": model_version,
        "precision": precision,
        "inputs": [list(shape) for shape in SHAPES_PX],
        "planes": list(PLANES),
        "stride_px": STRIDE_PX,
        "made_with": made_with,
        "training": dict(facts),
        "measured": measured,
    }
    save(card, model)


def save(card: Mapping[str, Any], model: Path) -> None:
    """Write both files beside the model. Raises ValueError or ModelRefused if a kiosk would refuse them."""
    text = json.dumps(card, indent=2) + "\n"
    ModelCard.parse(text).check_file(ModelFile.read(model))
    words = render(card)
    card_path(model).write_text(text, encoding="utf-8")
    model.with_name("MODEL_CARD.md").write_text(words, encoding="utf-8")


def render(card: Mapping[str, Any]) -> str:
    """`MODEL_CARD.md`, from what is in `minutiae.json` and nothing else."""
    training, measured = card["training"], card["measured"]
    return TEXT.format(
        **{k: card[k] for k in ("version", "file", "bytes", "precision", "sha256", "stride_px")},
        made_with=", ".join(f"{name} {number}" for name, number in card["made_with"].items()),
        parameters=training["parameters"],
        gmac=training["gmac"],
        inputs=", ".join(f"{h} x {w}" for h, w in card["inputs"]),
        planes=", ".join(card["planes"]),
        data=_data(training),
        teacher=_teacher(training),
        procedure=_procedure(training),
        evaluation=_evaluation(measured),
        accuracy=accuracy_tables(measured.get("accuracy", {})) or _development(measured),
        cost=_cost(card, measured.get("cost")),
        conversion=_conversion(measured),
        weak=measured.get("weak_spots") or _WEAK,
        worst=worst_tables(measured.get("worst_pairs", ())) or NOT_MEASURED,
    )


_WEAK = """Small capacitive sensors, dry or wet prints, and impressions that share little area with the enrolled one. A
print with fewer than about twelve minutiae is hard to tell from others, whoever finds them. The worst pairs below
say what that means."""


def _data(training: Mapping[str, Any]) -> str:
    text = (
        f"{training['images']:,} real livescan images without labels, in {training['sets']} sets: "
        f"{training['set_list']}."
    )
    text += " No image of the development set, or of a set kept aside for judging, was learned from."
    if "synthetic_images" in training:
        count = training["synthetic_images"]
        text += f" Also {count:,} synthetic impressions with exact truth (`models/synthetic`), nobody's."
    if "synthetic_share" in training:
        text += (
            f" {100 * training['synthetic_share']:.0f} % of what the network saw in training was synthetic."
        )
    return text


def _teacher(training: Mapping[str, Any]) -> str:
    views = training.get("view_list")
    seen = f" ({views} images)" if views else ""
    return (
        f"Its heat was averaged over views of each image{seen}; what the views do not agree on is taught as doubtful. "
        "LEADER is not in the product."
    )


def _procedure(training: Mapping[str, Any]) -> str:
    text = (
        f"{training['crops']:,} augmented crops in {training['steps']:,} steps with seed {training['seed']}: "
        "every print was turned, stretched, dried, wetted, cropped and put in 16 grey levels."
    )
    return f"{text} {training['note']}" if "note" in training else text


def _evaluation(measured: Mapping[str, Any]) -> str:
    known = ", ".join(measured.get("accuracy", {})) or "FVC2002 B sets"
    return (
        f"{known}: B sets of ten fingers with eight impressions each. The FVC2002 B sets are the development "
        "set: the network never learned from them but was chosen on them, so its figures there flatter a little. "
        "`python -m benchmarks.accuracy_table DIR` measures any other, with the peers beside it."
    )


def _development(measured: Mapping[str, Any]) -> str:
    found = measured.get("development_eer_percent")
    if not found:
        return NOT_MEASURED
    conditions = list(found)
    databases = list(found[conditions[0]])
    head = f"| development set, EER % | {' | '.join(conditions)} |"
    rows = [f"| {d} | {' | '.join(f'{found[c][d]:.2f}' for c in conditions)} |" for d in databases]
    means = " | ".join(f"{sum(found[c].values()) / len(databases):.2f}" for c in conditions)
    return "\n".join([head, f"|---|{'---:|' * len(conditions)}", *rows, f"| mean | {means} |"])


def _cost(card: Mapping[str, Any], cost: Mapping[str, Any] | None) -> str:
    size = f"The file has {card['bytes'] / 1e6:.2f} MB."
    if cost is None:
        return f"{size} For times see the tables; memory: not measured."
    return (
        f"{size} On one thread of {cost['processor']}: {cost['window_ms_p50']:.1f} ms for a print of 256x288, image to "
        f"minutiae, {cost['whole_ms_p50']:.1f} ms for one of 416x416; {cost['load_ms']:.0f} ms to load; the process "
        f"had at most {cost['peak_mb']:.0f} MB while extracting. `python -m benchmarks.extractor_study` measures it."
    )


def _conversion(measured: Mapping[str, Any]) -> str:
    return (
        f"Largest difference of any output from the trained network on noise: {measured['difference']:.4f}."
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def main(
    *,
    model: Annotated[Path, typer.Option(help="The model file; its card is beside it.")] = DEFAULT_MODEL,
    accuracy: Annotated[
        Path | None, typer.Option(help="What `benchmarks.accuracy_table --json` wrote.", exists=True)
    ] = None,
    worst: Annotated[
        list[Path] | None,
        typer.Option(help="What `benchmarks.worst_pairs` wrote; may be repeated.", exists=True),
    ] = None,
    cost: Annotated[
        Path | None, typer.Option(help="What `benchmarks.extractor_study --json` wrote.", exists=True)
    ] = None,
    model_version: Annotated[str | None, typer.Option(help="Give the model this version.")] = None,
) -> None:
    """Put what was measured into the model's card, and write it anew.

    Example: python -m models.training.card --accuracy table.json --worst whole.json --worst window.json
    """
    card = json.loads(card_path(model).read_text(encoding="utf-8"))
    measured = card["measured"]
    if accuracy is not None:
        measured["accuracy"] = accuracy_facts(_read(accuracy))
    if worst:
        measured["worst_pairs"] = worst_facts([_read(path) for path in worst])
    if cost is not None:
        found = _read(cost)
        if found["model_sha256"] != card["sha256"]:
            raise typer.BadParameter(f"{cost} was measured with another model, {found['model_sha256'][:12]}")
        measured["cost"] = found
    if model_version is not None:
        card["version"] = model_version
    try:
        save(card, model)
    except (ModelRefused, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    print(f"wrote {card_path(model)} and {model.with_name('MODEL_CARD.md')}")


def _read(path: Path) -> Any:  # noqa: ANN401 - whatever the benchmark wrote
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    typer.run(main)
