"""A port that is not there is tried again, ever less often; every other error ends the search at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from edge_service.sensors.errors import NoFinger, SensorError, SensorUnplugged

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

_T = TypeVar("_T")


def until_found(
    find: Callable[[], _T],
    *,
    path: str,
    close: Callable[[], None],
    timeout_s: float,
    pauses_s: tuple[float, float],
    cancel: Event,
    clock: Callable[[], float],
) -> _T:
    """What `find` gives. `pauses_s` are the first and the longest pause; `close` is called after every failure.

    Raises the `SensorUnplugged` of the last attempt once `timeout_s` is over, `NoFinger` on a cancel, and at once
    every other `SensorError`.
    """
    started = clock()
    pause_s, longest_s = pauses_s
    while True:
        try:
            return find()
        except SensorUnplugged:
            close()
            left_s = started + timeout_s - clock()
            if left_s <= 0:
                raise
            if cancel.wait(min(pause_s, left_s)):
                raise NoFinger(path=path, waited_s=clock() - started, cancelled=True) from None
            pause_s = min(pause_s * 2, longest_s)
        except SensorError:
            close()
            raise
