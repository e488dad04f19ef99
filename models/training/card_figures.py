"""What the benchmarks measured, cut down to what a model card tells, and as its tables."""

from __future__ import annotations

import math
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Facts = Mapping[str, Any]
    Run = dict[str, Any]

# (collection, database) -> kind of sensor, sensor: from the competitions' own descriptions
SENSORS: dict[tuple[str, str], tuple[str, str]] = {
    ("fvc2000", "db1"): ("optical", "KeyTronic Secure Desktop"),
    ("fvc2000", "db2"): ("capacitive", "ST Microelectronics TouchChip"),
    ("fvc2000", "db3"): ("optical", "Identicator DF-90"),
    ("fvc2000", "db4"): ("synthetic", "SFinGe"),
    ("fvc2002", "db1"): ("optical", "Identix TouchView II"),
    ("fvc2002", "db2"): ("optical", "Biometrika FX2000"),
    ("fvc2002", "db3"): ("capacitive", "Precise Biometrics 100 SC"),
    ("fvc2002", "db4"): ("synthetic", "SFinGe v2.51"),
    ("fvc2004", "db1"): ("optical", "CrossMatch V300"),
    ("fvc2004", "db2"): ("optical", "Digital Persona U.are.U 4000"),
    ("fvc2004", "db3"): ("thermal sweep", "Atmel FingerChip"),
    ("fvc2004", "db4"): ("synthetic", "SFinGe v3.0"),
}
KEPT_RATES = ("eer", "fmr1000")
WHORL = "whorl + whorl"
PEERS = ("leader + whorl", "mindtct + whorl", "leader + bozorth3", "mindtct + bozorth3")


def sensor_of(collection: str, database: str) -> tuple[str, str]:
    """Kind and name of the sensor behind a database; "not known" for others than the FVC's."""
    plain = re.sub(r"[^a-z0-9]", "", collection.lower())
    for (year, number), found in SENSORS.items():
        if year in plain and database.lower().startswith(number):
            return found
    return "not known", "not known"


def accuracy_facts(tables: Mapping[str, Sequence[Facts]]) -> dict[str, list[Run]]:
    """Of `benchmarks.accuracy_table --json`, what the card keeps: by collection, one entry a run.

    The collections are named by their folders' last part, so that nobody's paths are published.
    """
    return {PurePath(folder).name: [_run(run) for run in runs] for folder, runs in tables.items()}


def _run(run: Facts) -> Run:
    rates = [name for rate in KEPT_RATES for name in (rate, f"{rate}_ci95")]
    return {
        "system": f"{run['extractor']} + {run['matcher']}",
        "conditions": conditions_of(run),
        **{f"mean_{name}": _rounded(run[f"mean_{name}"]) for name in rates},
        "extract_ms_p50": _rounded(run["extract_ms_p50"]),
        "databases": {
            name: {
                **{rate: _rounded(found[rate]) for rate in rates},
                "fingers": found["fingers"],
                "failures_to_extract": len(found["failures_to_extract"]),
            }
            for name, found in run["databases"].items()
        },
        "processor": run["machine"]["processor"],
        "cached": run["cache"] is not None,
    }


def conditions_of(run: Facts) -> str:
    """`whole image`, or the window and the grey levels, in words."""
    size = run["window"] or "whole image"
    return size if run["levels"] is None else f"{size}, {run['levels']} grey levels"


def _rounded(value: float | Sequence[float]) -> Any:  # noqa: ANN401 - a number or a pair of them
    if isinstance(value, int | float):
        return round(float(value), 4)
    return [round(float(v), 4) for v in value]


def accuracy_tables(accuracy: Mapping[str, Sequence[Run]]) -> str:
    """Every collection: the systems side by side, then by database, then by kind of sensor."""
    parts: list[str] = []
    for collection, runs in accuracy.items():
        parts += [f"### {collection}", "", _systems(runs), ""]
        for conditions in _conditions(runs):
            parts += [
                f"EER in %, {conditions}, by database:",
                "",
                _databases(collection, runs, conditions),
                "",
            ]
        parts += ["EER in % of Whorl, by kind of sensor:", "", _kinds(collection, runs), ""]
    return "\n".join(parts).rstrip()


def _systems(runs: Sequence[Run]) -> str:
    lines = [
        "| extractor + matcher | images | EER % | FMR1000 % | ms an extraction |",
        "|---|---|---:|---:|---:|",
    ]
    lines += [
        f"| {run['system']} | {run['conditions']} | {rate(run, 'mean_eer')} | {rate(run, 'mean_fmr1000')} "
        f"| {run['extract_ms_p50']:.1f} |"
        for run in runs
    ]
    return "\n".join(lines)


def _databases(collection: str, runs: Sequence[Run], conditions: str) -> str:
    by_system = {run["system"]: run["databases"] for run in runs if run["conditions"] == conditions}
    systems = [s for s in (WHORL, *PEERS[:2]) if s in by_system]
    lines = [f"| database | sensor | {' | '.join(systems)} |", f"|---|---|{'---:|' * len(systems)}"]
    for database in by_system[systems[0]]:
        kind, name = sensor_of(collection, database)
        rates = [rate(by_system[s][database], "eer") for s in systems]
        lines.append(f"| {database} | {name} ({kind}) | {' | '.join(rates)} |")
    return "\n".join(lines)


def _kinds(collection: str, runs: Sequence[Run]) -> str:
    ours = [run for run in runs if run["system"] == WHORL]
    groups: dict[str, list[str]] = {}
    for database in ours[0]["databases"] if ours else ():
        groups.setdefault(sensor_of(collection, database)[0], []).append(database)
    lines = [f"| sensor | databases | {' | '.join(run['conditions'] for run in ours)} |"]
    lines.append(f"|---|---|{'---:|' * len(ours)}")
    for kind, databases in groups.items():
        means = [_mean([run["databases"][d] for d in databases]) for run in ours]
        lines.append(f"| {kind} | {', '.join(databases)} | {' | '.join(rate(m, 'eer') for m in means)} |")
    return "\n".join(lines)


def _mean(found: Sequence[Facts]) -> Run:
    """Mean EER with an interval out of the databases' own.

    Deviations of independent estimates add in quadrature, each side by itself (Zou and Donner, "Construction of
    confidence limits about effect measures", Statistics in Medicine 27, 2008).
    """
    n = len(found)
    mean = sum(f["eer"] for f in found) / n
    down = math.sqrt(sum((f["eer"] - f["eer_ci95"][0]) ** 2 for f in found)) / n
    up = math.sqrt(sum((f["eer_ci95"][1] - f["eer"]) ** 2 for f in found)) / n
    return {"eer": mean, "eer_ci95": [max(0.0, mean - down), mean + up]}


def rate(facts: Facts, name: str) -> str:
    """A rate in percent with its interval."""
    low, high = facts[f"{name}_ci95"]
    return f"{facts[name]:.2f} ({low:.1f}-{high:.1f})"


def _conditions(runs: Iterable[Run]) -> list[str]:
    return list(dict.fromkeys(run["conditions"] for run in runs if run["system"] == WHORL))


def worst_facts(pages: Sequence[Facts]) -> list[Run]:
    """Of `benchmarks.worst_pairs --json`s, what the card keeps: names, figures and reasons, no picture."""
    return [
        {
            "collection": PurePath(page["folder"]).name,
            "conditions": conditions_of(page),
            "threshold": _rounded(page["threshold_fmr1000"]),
            "pairs": [
                {key: pair[key] for key in ("database", "a", "b", "paired", "in_common", "common_mm2")}
                | {"score": _rounded(pair["score"]), "why": pair["why"], "quality": pair["quality"]}
                for pair in page["pairs"]
            ],
        }
        for page in pages
    ]


def worst_tables(worst: Sequence[Run]) -> str:
    """The worst genuine pairs, a table a condition."""
    parts: list[str] = []
    for page in worst:
        count = len(page["pairs"])
        title = (
            f"The {count} genuine pairs of {page['collection']} with the lowest scores, {page['conditions']}; "
            f"{page['threshold']:.2f} is the score at FMR 0.1 %:"
        )
        head = "| prints | score | paired | in common | area in common | quality | why |"
        parts += [title, "", head, "|---|---:|---:|---:|---:|---:|---|"]
        parts += [_worst_row(pair) for pair in page["pairs"]]
        parts.append("")
    return "\n".join(parts).rstrip()


def _worst_row(pair: Facts) -> str:
    common = "/".join(map(str, pair["in_common"])) if pair["in_common"] else "not known"
    area = "not known" if pair["common_mm2"] is None else f"{pair['common_mm2']:.0f} mm2"
    qualities = "/".join(map(str, pair["quality"]))
    return (
        f"| {pair['database']} {pair['a']}, {pair['b']} | {pair['score']:.2f} | {pair['paired']} | {common} "
        f"| {area} | {qualities} | {'; '.join(pair['why'])} |"
    )
