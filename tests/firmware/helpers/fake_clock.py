"""Time that passes when the test says so."""


class FakeClock:
    """Milliseconds from `start`, wrapping as MicroPython's ticks do. `tick` is the only thing that makes them pass.

    They wrap at 2**28 rather than 2**30, so that no sum in here leaves the small integers of a 32-bit board: a clock
    that allocates would fail the tests that lock the heap.
    """

    WRAP = 1 << 28

    def __init__(self, start=WRAP - 1000):
        self.time = start

    def now(self):
        return self.time

    def since(self, then):
        return ((self.time - then + (self.WRAP >> 1)) & (self.WRAP - 1)) - (self.WRAP >> 1)

    def idle(self, ms):
        self.tick(ms)

    def tick(self, ms):
        self.time = (self.time + ms) & (self.WRAP - 1)
