"""`python -m benchmarks.endurance`: see the package."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.endurance import parameters as p

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.endurance.conductor import Conductor
    from benchmarks.endurance.plan import Incident
    from benchmarks.endurance.site import Site


def main(
    *,
    submissions: Annotated[int, typer.Option(min=20, help="How many bookings.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of bookings and faults.")] = 1,
    out: Annotated[Path, typer.Option(help="A folder for state, logs and figures.")] = Path("runs/endurance"),
    resume: Annotated[bool, typer.Option(help="Go on with the campaign in that folder.")] = False,
    rate: Annotated[
        float, typer.Option(min=0.1, help="Bookings a second that the officer tries.")
    ] = p.RATE_PER_S,
    haste: Annotated[float, typer.Option(min=0.5, help="Faults last so many times as short.")] = 1.0,
    faults: Annotated[bool, typer.Option(help="Without them: the plain rate.")] = True,
) -> None:
    """Book thousands while everything fails that can, and count what was lost, sent twice or never answered.

    Everything is real: edge service, matcher, Mosquitto with the shipped configuration, sealed messages. As root the
    kiosk's disk is a small tmpfs, which then can be full; with Debian's faketime installed its clock jumps. Exit code
    0 if all that has to be 0 is, 1 if not, 2 if the campaign could not be run.

    Examples:
    python -m benchmarks.endurance --submissions 10000 --seed 1 --out runs/endurance

    python -m benchmarks.endurance --submissions 10000 --seed 1 --out runs/endurance --resume

    python -m benchmarks.endurance --submissions 1000 --no-faults --rate 50
    """
    from rich.console import Console

    from benchmarks.endurance.conductor import Conductor, Stuck
    from benchmarks.endurance.logs import read_logs
    from benchmarks.endurance.plan import Fault, plan_of
    from benchmarks.endurance.site import Site
    from hardware.bench.broker import BrokerMissing
    from hardware.bench.process import ProcessError

    console = Console(stderr=True, width=None if sys.stderr.isatty() else 130)
    orders = {"submissions": submissions, "seed": seed, "rate": rate, "haste": haste, "faulty": faults}
    _check_folder(out, orders, resume=resume, console=console)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that what was started is ended
    try:
        with Site(
            out.resolve(),
            seed=seed,
            submissions=submissions,
            rate_per_s=rate,
            resume=resume,
            on_part=console.print,
        ) as site:
            without: set[Fault] = set() if faults else set(Fault)
            without |= set() if site.disk.limited else {Fault.DISK_FULL}
            without |= set() if site.clock.available else {Fault.CLOCK_JUMP}
            plan = plan_of(seed=seed, submissions=submissions, without=frozenset(without), haste=haste)
            conductor = Conductor(site, plan, seed=seed)
            site.start()
            stuck = ""
            try:
                _run(conductor, site, plan, submissions, console)
            except Stuck as error:
                stuck = str(error)
                console.print(f"[red]{error}")
            more: dict[str, Any] = {
                **orders,
                "in_the_logs": {},
                "left_out": sorted(without),
                "stuck": stuck,
            }
            site.stop()
            more["in_the_logs"] = read_logs(site.folder / "logs")
            kept = _conclude(conductor, site, more, seed=seed, submissions=submissions, console=console)
            if kept:
                site.disk.unmount()
    except (BrokerMissing, ProcessError) as error:
        console.print(f"[red]{error}")
        raise typer.Exit(2) from error
    raise typer.Exit(0 if kept else 1)


def _check_folder(out: Path, orders: dict[str, Any], *, resume: bool, console: Console) -> None:
    """One folder, one campaign."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "orders.json"
    known = json.loads(file.read_text("ascii")) if file.exists() else None
    problem = ""
    if known is not None and not resume:
        problem = f"{out} holds a campaign: add --resume to go on with it, or name another folder"
    elif known is not None and known != orders:
        problem = f"{out} holds another campaign, {known}: name another folder"
    elif resume and not (out / "site.json").exists():
        problem = f"{out} holds no campaign that could be resumed; leave out --resume"
    elif resume and not (out / "kiosk" / "identity").exists():
        problem = f"{out}: the kiosk's disk was in memory and is gone; begin anew in another folder"
    if problem:
        console.print(f"[red]{problem}")
        raise typer.Exit(2)
    file.write_text(json.dumps(orders), encoding="ascii")


def _run(conductor: Conductor, site: Site, plan: list[Incident], submissions: int, console: Console) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()),
        TextColumn("{task.fields[told]}"),
    )
    progress_file = site.folder / "progress.json"
    written_at = 0.0
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Answered", total=submissions, told="")

        def show() -> None:
            nonlocal written_at
            account, happened = conductor.account, sum(conductor.happened.values())
            told = f"{account.saved} saved, {account.declined} declined, {happened}/{len(plan)} faults"
            progress.update(task, completed=account.replied, told=told)
            if time.monotonic() >= written_at:
                written_at = time.monotonic() + p.SAMPLE_S
                state = {"answered": account.replied, "told": told, "faults": dict(conductor.happened)}
                progress_file.write_text(json.dumps(state), encoding="ascii")

        conductor.run(show)


def _conclude(
    conductor: Conductor, site: Site, more: dict[str, Any], *, seed: int, submissions: int, console: Console
) -> bool:
    from benchmarks.endurance.growth import growth_of
    from benchmarks.endurance.judging import judge
    from benchmarks.endurance.summary import figures, show

    verdict = judge(
        conductor.account, site.database, seed=seed, submissions=submissions, identities=site.identities
    )
    grown = growth_of(site.folder / "samples.jsonl")
    verdict.bar("programs that grew", [one.program for one in grown if one.grew])
    result = figures(verdict, conductor.happened, grown, more)
    show(result, grown, console)
    text = json.dumps(result, indent=2)
    print(text)
    (site.folder / "figures.json").write_text(text + "\n", encoding="utf-8")
    return verdict.kept and not more["stuck"]


if __name__ == "__main__":
    typer.run(main)
