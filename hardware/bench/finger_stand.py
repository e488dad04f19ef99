"""Whose finger lies on the window, and who is next. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EMPTY_LOOKS = 1
"""Looks at an empty window between two fingers, so that a client which waits for a lift sees one."""


@dataclass(slots=True)
class FingerStand:
    """The window, and the queue in front of it.

    Attributes:
        auto_next: lift a finger once its image was sent, and put the next one of the queue down.
        on_window: what lies there now: uint8 (height, width), or None.
        queue: the fingers still to come.
    """

    auto_next: bool = False
    on_window: NDArray[np.uint8] | None = None
    queue: deque[NDArray[np.uint8]] = field(default_factory=deque)
    _empty_looks: int = 0
    _looked: bool = False

    def present(self, window: NDArray[np.uint8]) -> None:
        """Put a finger down."""
        self.on_window = window

    def lift(self) -> None:
        """Take the finger away."""
        self.on_window = None
        self._empty_looks = 0

    def next_down(self) -> None:
        """Put the next finger of the queue down, as somebody does who watches the light."""
        if self.on_window is None and self.auto_next and self.queue:
            self.on_window = self.queue.popleft()
            self._empty_looks = 0

    def look(self) -> NDArray[np.uint8] | None:
        """What the sensor sees when it takes an image."""
        if self.on_window is None and self.auto_next and self.queue:
            if self._empty_looks >= EMPTY_LOOKS:
                self.on_window = self.queue.popleft()
            self._empty_looks += 1
        self._looked = self.on_window is not None
        return self.on_window

    def sent(self) -> None:
        """The image was sent; sent again (the client lost it) it lifts no second finger."""
        if self.auto_next and self._looked:
            self.lift()
        self._looked = False
