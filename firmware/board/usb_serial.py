"""The USB serial port to the Pi: the one that MicroPython's prompt uses, made to never wait.

Two ways were looked at. A serial port of our own through `machine.USBDevice` would leave the prompt its own port, but
its descriptors and control requests are Python callbacks that allocate and run between our steps. Taken instead:
`sys.stdin.buffer` and `sys.stdout.buffer`, with three precautions.

* Ctrl-C is an ordinary byte of our frames: main.py calls `micropython.kbd_intr(-1)` before the first one.
* Reading waits for all the bytes asked for: so one byte is asked for at a time, when poll says that there is one.
* Writing waits, up to half a second, until the USB stack's buffer has room for all of it, and poll only says that
  there is room for one byte or more. But the buffer (256 bytes) empties in packets of 64, so when everything goes in
  in blocks of 64 there is room for a whole block whenever there is room at all. The last block of a frame is filled up
  with 00, which the link takes for empty frames. Only a line of text by somebody else (a traceback) can break the
  pattern; the next write then waits once, gets less than a block written, and the buffer is full and even again.

Not tried on a board by us: that poll and the block rule behave as the port's sources read (ports/rp2/mphalport.c,
shared/tinyusb/mp_usbd_cdc.c of MicroPython 1.24 to 1.27). Worst case of an error in it: the loop is held up for half
a second (MICROPY_HW_USB_CDC_TX_TIMEOUT) for each stalled frame; the watchdog has eight.
"""

import select

from firmware.core import kernels

_BLOCK_BYTES = 64
_BLOCKS_AT_ONCE = 4
_READ_AT_ONCE = 64


class UsbSerial:
    """A `ports.BytePort`. It is never gone: without the Pi the board has no supply.

    Args:
        stdin: sys.stdin.
        stdout: sys.stdout.
    """

    def __init__(self, *, stdin, stdout):
        self._read = stdin.buffer.readinto
        self._write = stdout.buffer.write
        self._one = bytearray(1)
        self._block = bytearray(_BLOCK_BYTES)
        coming = select.poll()
        coming.register(stdin, select.POLLIN)
        going = select.poll()
        going.register(stdout, select.POLLOUT)
        self._coming = coming.ipoll
        self._going = going.ipoll

    def read_into(self, buffer: bytearray, count: int) -> int:
        """See `ports.BytePort`."""
        count = min(count, _READ_AT_ONCE)
        got = 0
        while got < count and _any(self._coming):
            self._read(self._one)
            buffer[got] = self._one[0]
            got += 1
        return got

    def write(self, buffer: bytearray, offset: int, count: int) -> int:
        """See `ports.BytePort`. `buffer[offset : offset + count]` has to be the rest of a frame, up to its 00."""
        taken = 0
        for _ in range(_BLOCKS_AT_ONCE):
            size = min(count - taken, _BLOCK_BYTES)
            if size == 0 or not _any(self._going):
                break
            written = self._write_block(buffer, offset + taken, size)
            taken += min(written, size)
            if written < size:
                break
        return taken

    def _write_block(self, buffer: bytearray, offset: int, size: int) -> int:
        block = self._block
        kernels.copy_bytes(buffer, offset, size, block, 0)
        kernels.wipe(block, size, _BLOCK_BYTES)
        return self._write(block) or 0


def _any(ipoll) -> bool:
    """Whether something is ready now. `ipoll` keeps its one tuple: nothing is allocated after its first use."""
    for _ in ipoll(0):
        return True
    return False
