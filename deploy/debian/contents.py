"""What is in each of the packages, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

SYSTEMD = "deploy/systemd"
UNITS = "usr/lib/systemd/system"
TMPFILES = "tmpfiles.d"


@dataclass(frozen=True)
class Contents:
    """One package."""

    name: str
    summary: str
    description: str
    extra: str
    command: str
    module: str
    sources: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    conffiles: tuple[str, ...]
    depends: tuple[str, ...]
    recommends: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()

    @property
    def home(self) -> str:
        """Folder of program and libraries, without the leading slash."""
        return f"usr/lib/{self.name}"


KIOSK = Contents(
    name="whorl-kiosk",
    summary="fingerprint kiosk for the booking desk of a county jail",
    description="""\
 Takes fingerprints at a serial sensor, finds their minutiae on the machine
 itself, keeps each booking until the centre has acknowledged it, and shows the
 replies on a touch screen.
 .
 With it: the service, its page, the screen's unit, udev rules for the sensor
 board, a journal in memory, and all Python libraries that it needs, in a folder
 of their own. Nothing is downloaded or compiled on the kiosk, and nothing is
 written outside /var/lib/whorl, /etc/whorl and /run once it is installed.
""",
    extra="edge",
    command="edge-service",
    module="edge_service.cli",
    sources=(
        "edge_service",
        "interchange",
        "firmware/__init__.py",
        "firmware/core",
        "models/minutiae.tflite",
        "models/minutiae.json",
    ),
    files=(
        (f"{SYSTEMD}/whorl-edge.service", f"{UNITS}/whorl-edge.service"),
        (f"{SYSTEMD}/whorl-kiosk.service", f"{UNITS}/whorl-kiosk.service"),
        (f"{SYSTEMD}/sysusers.d/whorl-edge.conf", "usr/lib/sysusers.d/whorl-edge.conf"),
        (f"{SYSTEMD}/{TMPFILES}/whorl-edge.conf", f"usr/lib/{TMPFILES}/whorl-edge.conf"),
        (f"{SYSTEMD}/journald.conf.d/whorl.conf", "usr/lib/systemd/journald.conf.d/whorl.conf"),
        (f"{SYSTEMD}/chromium-policy.json", "etc/chromium/policies/managed/whorl.json"),
        ("hardware/udev/99-whorl.rules", "usr/lib/udev/rules.d/99-whorl.rules"),
        ("deploy/debian/whorl-kiosk/edge.toml", "usr/share/whorl-kiosk/edge.toml"),
        ("docs/install.md", "usr/share/doc/whorl-kiosk/install.md"),
        ("docs/kiosk.md", "usr/share/doc/whorl-kiosk/kiosk.md"),
        ("docs/operations.md", "usr/share/doc/whorl-kiosk/operations.md"),
        ("docs/provisioning.md", "usr/share/doc/whorl-kiosk/provisioning.md"),
        ("models/MODEL_CARD.md", "usr/share/doc/whorl-kiosk/MODEL_CARD.md"),
    ),
    conffiles=("/etc/chromium/policies/managed/whorl.json",),
    depends=("systemd", "udev"),
    # A kiosk without a screen of its own does without these; with it, apt brings them.
    recommends=("cage", "chromium | chromium-browser", "seatd", "fonts-dejavu-core"),
)

CENTRE = Contents(
    name="whorl-centre",
    summary="fingerprint identification for small county jails: the centre",
    description="""\
 Receives what kiosks submit over MQTT, searches it in the county's
 repositories and replies.
 .
 With it: the matcher, its API, the broker's configuration as an example, and
 all Python libraries that they need, in a folder of their own. Nothing is
 started before somebody has made the centre's keys.
""",
    extra="matcher",
    command="matcher-service",
    module="matcher_service.cli",
    sources=("matcher_service", "interchange"),
    files=(
        (f"{SYSTEMD}/whorl-matcher.service", f"{UNITS}/whorl-matcher.service"),
        (f"{SYSTEMD}/whorl-api.service", f"{UNITS}/whorl-api.service"),
        (f"{SYSTEMD}/whorl-console.service", f"{UNITS}/whorl-console.service"),
        (f"{SYSTEMD}/whorl-crl.path", f"{UNITS}/whorl-crl.path"),
        (f"{SYSTEMD}/whorl-crl.service", f"{UNITS}/whorl-crl.service"),
        (f"{SYSTEMD}/mosquitto.service.d/whorl.conf", f"{UNITS}/mosquitto.service.d/whorl.conf"),
        (f"{SYSTEMD}/sysusers.d/whorl-matcher.conf", "usr/lib/sysusers.d/whorl-matcher.conf"),
        (f"{SYSTEMD}/{TMPFILES}/whorl-matcher.conf", f"usr/lib/{TMPFILES}/whorl-matcher.conf"),
        ("deploy/debian/whorl-centre/centre.toml", "usr/share/whorl-centre/centre.toml"),
        ("deploy/mosquitto/whorl.conf", "usr/share/whorl-centre/mosquitto/whorl.conf"),
        ("deploy/mosquitto/acl", "usr/share/whorl-centre/mosquitto/acl"),
        ("docs/console.md", "usr/share/doc/whorl-centre/console.md"),
        ("docs/operations.md", "usr/share/doc/whorl-centre/operations.md"),
        ("docs/provisioning.md", "usr/share/doc/whorl-centre/provisioning.md"),
        ("docs/tools.md", "usr/share/doc/whorl-centre/tools.md"),
    ),
    conffiles=(),
    depends=("mosquitto (>= 2.0.11)", "systemd"),
    suggests=("postgresql",),
)

PACKAGES = {contents.name: contents for contents in (KIOSK, CENTRE)}
