"""What the application knows of the two slots, with the updater loaded when an update begins and not before.

Updates are rare and their code is 10 KB of a board's memory, which the image transfer can use.
"""

from firmware.core import parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.boot.boot_state import BootState
    from firmware.core.ports import Board, Clock
    from firmware.core.update import Updater


def updater_maker(
    *, root: str, boot_state: "BootState", board: "Board", slot: int, clock: "Clock"
) -> "Callable[[], Updater]":
    """What makes the updater when an update begins, and loads its code then."""

    def make_updater() -> "Updater":
        from firmware.core.flash import Flash
        from firmware.core.update import Updater

        return Updater(
            flash=Flash(root=root),
            boot_state=boot_state,
            board_name=board.name,
            slot=slot,
            clock=clock,
            progress=board.feed_watchdog,
        )

    return make_updater


class Slots:
    """Attributes: `slot`, the one that runs, 0 or 1.

    Args:
        boot_state: as the loader left it.
        slot: the one that runs.
        clock: for the length of a trial.
        make_updater: gives the updater, once.
    """

    def __init__(
        self, *, boot_state: "BootState", slot: int, clock: "Clock", make_updater: "Callable[[], Updater]"
    ):
        self.slot = slot
        self._boot_state = boot_state
        self._clock = clock
        self._make_updater = make_updater
        self._updater: "Updater | None" = None
        self._started = clock.now()

    @property
    def updater(self) -> "Updater":
        """What takes an update in."""
        if self._updater is None:
            self._updater = self._make_updater()
        return self._updater

    @property
    def busy(self) -> bool:
        """Whether an update is under way."""
        return self._updater is not None and self._updater.busy

    @property
    def on_trial(self) -> bool:
        """Whether what runs waits for its confirmation."""
        return self._boot_state.on_trial and self._boot_state.active == self.slot

    def confirm(self) -> bool:
        """What runs is good: keep it. False when the flash refuses."""
        try:
            if self._boot_state.active == self.slot:
                self._boot_state.confirm()
        except OSError:
            return False
        return True

    def trial_is_over(self) -> bool:
        """Whether nobody confirmed in time: reboot, and the loader counts."""
        return self.on_trial and self._clock.since(self._started) > parameters.TRIAL_MS
