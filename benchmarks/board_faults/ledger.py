"""Progress of a campaign on disk: one JSON value a line, so that it can be resumed, and read while it goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.board_faults.judging import Verdict
from benchmarks.board_faults.workers import Counted

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.board_faults.workers import Orders


class LedgerError(Exception):
    """The folder holds another campaign, or none that can be resumed."""


class Ledger:
    """The file of one campaign; without a folder nothing is kept.

    Args:
        folder: made if it is not there.
        resume: go on with what is there; otherwise a campaign that is there is an error.
    """

    def __init__(self, folder: Path | None, orders: Orders, *, resume: bool) -> None:
        self.verdicts: list[Verdict] = []
        self.counters: dict[str, int] = {}
        self._file = None
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "runs.jsonl"
        head = {"seed": orders.seed, "direct": orders.direct, "haste": orders.haste}
        if path.exists():
            if not resume:
                raise LedgerError(f"{path} is there: add --resume to go on with it, or name another folder")
            self._read(path, head)
        self._file = path.open("a", encoding="utf-8")
        if path.stat().st_size == 0:
            self._write(head)

    def add(self, said: Verdict | Counted) -> None:
        """One more."""
        if isinstance(said, Counted):
            self._count(said.counters)
            self._write({"counters": said.counters})
        else:
            self.verdicts.append(said)
            self._write(said.as_json())

    def close(self) -> None:
        """The end, for now."""
        if self._file is not None:
            self._file.close()

    def _count(self, counters: dict[str, int]) -> None:
        for name, value in counters.items():
            self.counters[name] = self.counters.get(name, 0) + value

    def _write(self, value: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(value) + "\n")
            self._file.flush()

    def _read(self, path: Path, head: dict[str, Any]) -> None:
        text = path.read_text(encoding="utf-8")
        whole, _, half = text.rpartition("\n")
        lines = whole.splitlines()
        if not lines or json.loads(lines[0]) != head:
            found = lines[0] if lines else "nothing"
            raise LedgerError(f"{path} holds {found}, not {json.dumps(head)}: name another folder")
        for line in lines[1:]:
            value = json.loads(line)
            if "counters" in value:
                self._count(value["counters"])
            else:
                self.verdicts.append(Verdict(**value))
        if half:
            path.write_text(whole + "\n", encoding="utf-8")  # killed in the middle of a line
