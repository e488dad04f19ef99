"""Time on the board."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Rp2Clock:
    """A `ports.Clock`. The processor sleeps between two interrupts: `idle` wakes up for nothing of ours."""

    def __init__(self):
        self.now: "Callable[[], int]" = time.ticks_ms  # pyright: ignore[reportAttributeAccessIssue] - the stubs' own int

    def idle(self, ms: int) -> None:
        """See `ports.Clock`."""
        time.sleep_ms(ms)

    def since(self, then: int) -> int:
        """See `ports.Clock`."""
        return time.ticks_diff(time.ticks_ms(), then)
