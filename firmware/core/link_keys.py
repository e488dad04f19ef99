"""The board's keys: from the pairing key and two nonces to the session's (docs/board-link.md, Keys and sessions)."""

from firmware.core import framing, kernels
from firmware.core.framing import KEY_BYTES, NONCE_BYTES
from firmware.core.mac import Key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.core.mac import Checks


class LinkKeys:
    """Who may speak: `hello`, `everybody`, and, while `in_session`, `down` and `up`."""

    def __init__(self, checks: "Checks", random: "Callable[[bytearray], object]"):
        self.paired = False
        self.in_session = False
        self.hello = Key()
        self.everybody = Key()  # hello of a board without a key: proves nothing
        self.down = Key()
        self.up = Key()
        self.board_nonce = bytearray(NONCE_BYTES)
        self._pi_nonce = bytearray(NONCE_BYTES)
        self._pairing = Key()
        self._checks = checks
        self._random = random
        self._hello_label = bytearray(framing.LABEL_HELLO)
        self._down_label = bytearray(framing.LABEL_DOWN + bytes(2 * NONCE_BYTES))
        self._up_label = bytearray(framing.LABEL_UP + bytes(2 * NONCE_BYTES))
        self.set_pairing_key(None)
        checks.derive(self.everybody, self._pairing, self._hello_label, len(self._hello_label))

    def set_pairing_key(self, key: "bytearray | None") -> None:
        """Take a key of 32 bytes, or none; a session ends. ValueError for a key of another length."""
        if key is not None and len(key) != KEY_BYTES:
            raise ValueError("a pairing key has 32 bytes")
        self.end_session()
        self.paired = key is not None
        self._checks.schedule(self._pairing, bytearray(KEY_BYTES) if key is None else key, KEY_BYTES)
        self._checks.derive(self.hello, self._pairing, self._hello_label, len(self._hello_label))

    def open_session(self, buffer: bytearray, at: int) -> None:
        """A new session with the Pi's nonce at `at`, and a new nonce of our own."""
        self._random(self.board_nonce)
        kernels.copy_bytes(buffer, at, NONCE_BYTES, self._pi_nonce, 0)
        self._derive(self.down, self._down_label)
        self._derive(self.up, self._up_label)
        self.in_session = True

    def end_session(self) -> None:
        """Overwrite the session's keys."""
        self.in_session = False
        self.down.wipe()
        self.up.wipe()

    def is_from(self, buffer: bytearray, at: int) -> bool:
        """Whether the Pi's nonce at `at` is that of this session."""
        return kernels.differ(buffer, at, self._pi_nonce, 0, NONCE_BYTES) == 0

    def _derive(self, key: Key, label: bytearray) -> None:
        end = len(label)
        kernels.copy_bytes(self._pi_nonce, 0, NONCE_BYTES, label, end - 2 * NONCE_BYTES)
        kernels.copy_bytes(self.board_nonce, 0, NONCE_BYTES, label, end - NONCE_BYTES)
        self._checks.derive(key, self._pairing, label, end)
