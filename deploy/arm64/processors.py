"""The processors of the appliance's boards, as the kernel describes them: libraries choose their code by that.

An emulated program sees this machine's /proc/cpuinfo and /sys otherwise, and an arm64 library that reads there of an
x86-64 processor has every right to break down. XNNPACK's does.
"""

from __future__ import annotations

from dataclasses import dataclass

CORES = 4  # of each of them


@dataclass(frozen=True, slots=True)
class Processor:
    """One kind.

    Attributes:
        board: the board that has it.
        name: as QEMU calls it; it then offers programs what this processor has, and no more.
        part: its number in the register MIDR_EL1.
        features: what the kernel says of it.
    """

    board: str
    name: str
    part: int
    features: str

    @property
    def cpuinfo(self) -> str:
        """/proc/cpuinfo."""
        lines = (
            "BogoMIPS\t: 108.00",
            f"Features\t: {self.features}",
            "CPU implementer\t: 0x41",
            "CPU architecture: 8",
            "CPU variant\t: 0x0",
            f"CPU part\t: {self.part:#05x}",
            "CPU revision\t: 3",
        )
        return "".join("\n".join((f"processor\t: {core}", *lines, "", "")) for core in range(CORES))


PI_4 = Processor("Raspberry Pi 4", "cortex-a72", 0xD08, "fp asimd evtstrm crc32 cpuid")
PI_5 = Processor(
    "Raspberry Pi 5",
    "cortex-a76",
    0xD0B,
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
)
PI_ZERO_2 = Processor("Raspberry Pi Zero 2 W", "cortex-a53", 0xD03, "fp asimd evtstrm crc32 cpuid")
PROCESSORS = (PI_4, PI_5, PI_ZERO_2)
