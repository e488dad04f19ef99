"""The two stories that the demo tells: bookings of synthetic people and what follows, or one's own prints."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from demo.cast import POSITIONS, SYNTHETIC_PRINTS, OwnFinger, Person, own_fingers, synthetic_people
from demo.centre import Centre
from demo.pictures import side_by_side, with_minutiae
from demo.sharing import COLE, OPENED, Sharing
from demo.stage import BOONE, Kiosk, Stage
from demo.staying import open_console
from demo.view import FingerBars, capture_lines, reply_table, timing_line
from edge_service.booking import Stage as BookingStage
from edge_service.errors import BookingError
from edge_service.extraction import ImageRefused
from hardware.bench.finger_images import load_image
from matcher_service.search import explain_prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console

    from demo.cast import Image
    from edge_service.booking import Booking, BookingEvent
    from edge_service.extraction import Extractor
    from interchange import Minutiae

REPOSITORIES = ("criminal", "immigration")
UNKNOWN = 0  # finger position
OPEN_TO = {BOONE.name: {"criminal", OPENED}, COLE.name: {"criminal"}}  # what the register opens to whom


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking, and whether its reply was what it should be."""

    tcn: str
    right: bool


@dataclass
class Demo:
    """The demo's state: what was enrolled as whom, and what the sensor saw last."""

    console: Console
    extractor: Extractor
    pictures: Path
    crowd: int
    speed: float
    direct: bool
    secure: bool = False
    seen: dict[int, tuple[Image, Minutiae]] = field(default_factory=dict)  # pyright: ignore[reportUnknownVariableType]
    known: dict[str, tuple[Image, Minutiae]] = field(default_factory=dict)  # pyright: ignore[reportUnknownVariableType]
    bars: FingerBars | None = None

    def on_event(self, event: BookingEvent) -> None:
        """Keep the images for the pictures, and draw."""
        if event.stage is BookingStage.EXTRACTED and event.frame is not None and event.minutiae is not None:
            self.seen[event.position] = (event.frame.pixels, event.minutiae)
        if self.bars is not None:
            self.bars.show(event)

    def bookings(self, *, stay: bool = False) -> bool:
        """Three people are booked in a county that is activated, one of them in another; then what follows from it.

        True if every reply and every step was what it should be. With `stay` the console is left running until the
        demo is stopped.
        """
        with self._progress() as bar:
            task = bar.add_task("Growing a dozen synthetic prints, nobody's", total=SYNTHETIC_PRINTS)
            people = synthetic_people(lambda: bar.advance(task))
        with Stage(
            extractor=self.extractor,
            speed=self.speed,
            direct=self.direct,
            events=self.on_event,
            secure=self.secure,
            kiosks=(BOONE, COLE),
            rules=True,
        ) as stage:
            centre = Centre(stage.database_url, REPOSITORIES)
            self._fill(centre, POSITIONS)
            for person in people:
                prints = {at: self.extractor.extract(image) for at, image in person.enrolled.items()}
                for repository in person.repositories:
                    identity = centre.enroll(repository, prints)
                    self.known[identity] = (person.enrolled[POSITIONS[0]], prints[POSITIONS[0]])
            sharing = Sharing(self.console, centre.database, folder=stage.folder)
            sharing.arrange()
            self._start(stage)
            scenes = [(BOONE, "Boone County", person) for person in people]
            scenes.append((COLE, "Cole County, not activated", people[1]))
            booked = [
                self._book_person(
                    stage, centre, kiosk, person,
                    f"Booking {number} of {len(scenes)}, {where}: {person.name}",
                )
                for number, (kiosk, where, person) in enumerate(scenes, 1)
            ]  # fmt: skip
            right = all(one.right for one in booked) and sharing.follow(
                stage, hit=booked[1].tcn, elsewhere=booked[-1].tcn, report=self.pictures / "report"
            )
            if stay:
                left = self._book_person(
                    stage, centre, BOONE, people[1], f"Left for you, Boone County: {people[1].name}"
                )
                sharing.leave(left.tcn)
                open_console(stage, sharing, say=self.console.print)
            centre.close()
        return right

    def own_prints(self, folder: Path) -> bool:
        """Every finger of a folder: impression 1 is enrolled, the others are presented. True: no wrong hit."""
        fingers = own_fingers(folder)
        tally = {"hit": 0, "miss": 0, "wrong hit": 0, "no print": 0}
        rows: list[tuple[str, dict[str, int]]] = []
        with Stage(
            extractor=self.extractor,
            speed=self.speed,
            direct=self.direct,
            events=self.on_event,
            secure=self.secure,
        ) as stage:
            centre = Centre(stage.database_url, REPOSITORIES[:1])
            self._fill(centre, (UNKNOWN,))
            owners: dict[str, OwnFinger] = {}
            enrolled: dict[str, tuple[Image, Minutiae]] = {}
            for finger in fingers:
                try:
                    image = load_image(finger.enrolled)
                    minutiae = self.extractor.extract(image)
                except (ValueError, ImageRefused) as error:
                    self.console.print(f"[yellow]Not enrolled: {error}[/]")
                    continue
                if not len(minutiae):
                    self.console.print(f"[yellow]Not enrolled: no print in {finger.enrolled.name}[/]")
                    continue
                identity = centre.enroll(REPOSITORIES[0], {UNKNOWN: minutiae})
                owners[identity], enrolled[identity] = finger, (image, minutiae)
            self._start(stage)
            for finger in fingers:
                counts = dict.fromkeys(tally, 0)
                for path in finger.presented:
                    outcome = self._present(
                        stage, centre, path, finger=finger, owners=owners, enrolled=enrolled
                    )
                    counts[outcome] += 1
                    tally[outcome] += 1
                rows.append((finger.name, counts))
            centre.close()
        self._tally(rows, tally)
        return tally["wrong hit"] == 0

    # -- one booking

    def _book_person(
        self,
        stage: Stage,
        centre: Centre,
        kiosk: Kiosk,
        person: Person,
        title: str,
    ) -> Booked:
        self.console.rule(f"[bold]{title}", align="left")
        stage.sensor.enqueue(list(person.presented.values()))
        booking = self._take(stage, list(person.presented), kiosk=kiosk)
        if booking.reply is None:
            self.console.print(f"  [red]No reply: {booking.refused or 'it did not come in time'}[/]")
            return Booked(booking.tcn, right=False)
        for line in capture_lines(booking):
            self.console.print(line)
        self.console.print(reply_table(booking))
        self.console.print(timing_line(booking))
        word = re.sub(r"\W+", "-", person.name.split(",")[0].lower())
        probe = self.seen[POSITIONS[0]]
        name = f"{word}-print.png"
        with_minutiae(*probe, f"{person.name}: {len(probe[1])} minutiae").save(self.pictures / name)
        right = self._as_it_should_be(booking, person, kiosk)
        candidates = centre.found(booking.tcn)
        for repository in REPOSITORIES:
            found = candidates.get(repository, [])
            opened = repository in OPEN_TO[kiosk.name]
            right &= (repository in candidates) == opened
            right &= bool(found and found[0] in self.known) == (opened and repository in person.repositories)
            if found and found[0] in self.known and kiosk is BOONE:
                name = f"{word}-{repository}.png"
                self._draw_pair(
                    probe,
                    self.known[found[0]],
                    f"{person.name.split(',')[0]}: candidate in {repository}",
                    name,
                )
        words = "[green]as it should be[/]" if right else "[bold red]NOT what it should be[/]"
        self.console.print(f"  The reply is {words}.\n")
        return Booked(booking.tcn, right=right)

    def _as_it_should_be(self, booking: Booking, person: Person, kiosk: Kiosk) -> bool:
        """What the desk is told at once: a colour where the rule says so, and where an answer is to follow."""
        if booking.reply is None:
            return False
        colours = {one.name: one.colour == "red" for one in booking.reply.repositories}
        later = {OPENED} & OPEN_TO[kiosk.name]
        return (
            colours == {"criminal": "criminal" in person.repositories}
            and set(booking.reply.to_follow) == later
        )

    def _present(
        self,
        stage: Stage,
        centre: Centre,
        path: Path,
        *,
        finger: OwnFinger,
        owners: dict[str, OwnFinger],
        enrolled: dict[str, tuple[Image, Minutiae]],
    ) -> str:
        self.console.print(f"[bold]{path.name}[/]", end=" ")
        try:
            stage.sensor.enqueue([load_image(path)])
            booking = self._take(stage, [UNKNOWN])
        except (BookingError, ValueError) as error:
            self.console.print(f"  [yellow]{error}[/]")
            return "no print"
        if booking.reply is None:
            self.console.print("  [red]no reply in time[/]")
            return "miss"
        repository = booking.reply.repositories[0]
        top = next(iter(centre.found(booking.tcn)[repository.name]), None)
        if repository.colour == "green" or top is None:
            outcome, words = "miss", "[yellow]miss: no candidate[/]"
        elif top in owners and owners[top].name == finger.name:
            outcome, words = "hit", f"[green]hit[/], {repository.colour}"
            self._draw_pair(self.seen[UNKNOWN], enrolled[top], f"{path.name}: candidate", f"{path.stem}.png")
        else:
            whose = f"finger {owners[top].name}" if top in owners else "a stranger"
            outcome, words = "wrong hit", f"[bold red]wrong hit: {whose}[/], {repository.colour}"
        self.console.print(
            f"  {words}; {booking.last_byte_to_reply_ms:.0f} ms from the last byte to the reply"
        )
        return outcome

    def _take(self, stage: Stage, positions: list[int], *, kiosk: Kiosk = BOONE) -> Booking:
        with FingerBars(self.console) as self.bars:
            return stage.edges[kiosk.name].book(positions)

    # -- around it

    def _start(self, stage: Stage) -> None:
        with self.console.status("Starting") as status:
            stage.start(lambda part: status.update(f"Starting {part}"))
        self.console.print(
            "Running: [bold]mosquitto[/], [bold]the matcher[/] with "
            f"{self.crowd:,} strangers in each repository, [bold]a sensor emulator[/], [bold]the edge service[/]"
        )
        self.console.print(f"Between sensor and kiosk: [bold]{stage.board}[/]")
        self.console.print(f"Between kiosk and centre: [bold]{stage.door}[/]\n")

    def _fill(self, centre: Centre, positions: tuple[int, ...]) -> None:
        with self._progress() as bar:
            task = bar.add_task("Enrolling simulated strangers", total=self.crowd * len(centre.names))
            centre.enroll_strangers(self.crowd, positions, lambda n: bar.advance(task, n))

    def _draw_pair(
        self, probe: tuple[Image, Minutiae], candidate: tuple[Image, Minutiae], caption: str, name: str
    ) -> None:
        found = explain_prepared(prepare(probe[1]), prepare(candidate[1]))
        words = f"{caption}: score {found.score:.0f}, {len(found.pairs)} pairs"
        side_by_side(probe, candidate, found.pairs, words).save(self.pictures / name)

    def _tally(self, rows: list[tuple[str, dict[str, int]]], tally: dict[str, int]) -> None:
        table = Table("Finger", "Hits", "Misses", "Wrong hits", "No print found", title="What was found")
        for name, counts in [*rows, ("all", tally)]:
            table.add_row(name, *(str(counts[k]) for k in tally), style="bold" if name == "all" else "")
        self.console.print(table)

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
        )


def greeting(*, direct: bool) -> Panel:
    """What this is, before anything moves."""
    sensor = (
        "an emulated R307 sensor"
        if direct
        else "the sensor board's\nreal firmware before an emulated R307 sensor"
    )
    return Panel(
        "A print goes in at the sensor, a reply comes back at the kiosk; what a rule\n"
        "opens goes on to examiners, to the agency that is told, and can be taken back.\n"
        f"A real Mosquitto, the real matcher and edge service, {sensor}.\n"
        "[bold]A candidate is not a verdict:[/] a person has to look at it\nbefore anything leaves the centre.",
        title="Whorl",
        expand=False,
    )


def tell(say: Callable[[str], None], pictures: Path) -> None:
    """Where the pictures are."""
    drawn = sorted(pictures.glob("*.png"))
    say(f"{len(drawn)} pictures in {pictures}:")
    for path in drawn[:12]:
        say(f"  {path.name}")
    if len(drawn) > 12:
        say(f"  and {len(drawn) - 12} more")
