"""`make test-deb`: the packages in a Debian of their own, as a technician would have them.

Installs, runs, updates, removes, installs again and purges; on a root that can be written and on one that cannot.
Prints what was looked at, and ends with exit code 1 at the first thing that is not so.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.debian.__main__ import OUT, ROOT, host_arch
from deploy.debian.build import Build
from deploy.debian.chroot import Chroot, fresh
from deploy.debian.contents import CENTRE, KIOSK, Contents
from deploy.debian.errors import BuildError
from deploy.debian.rehearsal_parts import PATIENCE_S, fetch, sample_print
from deploy.debian.target import RELEASES, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SETTINGS = "/etc/whorl/edge.toml"
PAGE = 18321
HEALTH = 18322
UPDATE = "999.0"  # newer than whatever is built
UNITS = (
    "whorl-matcher.service",
    "whorl-api.service",
    "whorl-console.service",
    "whorl-crl.path",
    "whorl-crl.service",
)
# The steps of docs/install.md, then the broker for a few seconds, as its unit would start it.
BROKER = """
set -e
cd /var/lib/whorl-matcher/authority/broker
shared=/usr/share/whorl-centre/mosquitto
install -m 640 -g mosquitto ca.pem broker.pem broker.key crl.pem $shared/acl /etc/whorl/broker/
install -m 644 $shared/whorl.conf /etc/mosquitto/conf.d/
install -d -o mosquitto -g mosquitto /run/mosquitto /var/log/mosquitto
exec timeout 5 setpriv --reuid=mosquitto --regid=mosquitto --init-groups mosquitto -c /etc/mosquitto/mosquitto.conf
"""
ENDED = 124  # by `timeout`, not by itself
HAD = ("python3", "systemd", "udev", "mosquitto")


class Rehearsal:
    """The steps, in the order in which a machine meets them."""

    def __init__(self, machine: Chroot, *, say: Callable[[str], None]) -> None:
        self.machine = machine
        self.say = say

    def looked(self, what: str, good: bool, said: object = "") -> None:  # noqa: FBT001 - reads as a sentence
        """Print what was looked at, or end here."""
        if not good:
            raise BuildError(f"NOT SO: {what}\n{said}")
        self.say(f"  ok  {what}")

    def install(self, *packages: Path) -> str:
        """With apt, which brings what the packages depend on."""
        for package in packages:
            shutil.copyfile(package, self.machine.root / package.name)
        names = [f"/{package.name}" for package in packages]
        return self.machine.must("apt-get", "install", "-y", "--no-install-recommends", *names)

    def path(self, name: str) -> Path:
        """A path of the machine, seen from outside."""
        return self.machine.root / name.lstrip("/")

    def of(self, name: str) -> str:
        """Owner, group and mode."""
        return self.machine.must("stat", "-c", "%U:%G %a", name).strip()

    def installed_kiosk(self, said: str) -> None:
        """Users, folders, settings, and what the technician is told."""
        self.looked("the technician is told to provision", "edge-service provision CODE" in said, said)
        self.looked("/var/lib/whorl is the service's alone", self.of("/var/lib/whorl") == "whorl:whorl 700")
        self.looked("settings are the service's to read", self.of(SETTINGS) == "root:whorl 640")
        groups = self.machine.must("id", "-nG", "whorl").split()
        self.looked("the service may open serial ports", set(groups) == {"whorl", "dialout"}, groups)
        state = self.machine.must("sh", "-c", "ls /etc/systemd/system/multi-user.target.wants")
        self.looked(
            "the units are enabled",
            {"whorl-edge.service", "whorl-kiosk.service"} <= set(state.split()),
            state,
        )
        rules = self.path("/usr/lib/udev/rules.d/99-whorl.rules").read_text("utf-8")
        self.looked("the udev rules are there", "whorl-board" in rules)
        left = self.machine.must("dpkg", "--audit")
        self.looked("dpkg finds nothing half done", not left, left)
        self.looked(
            "dpkg finds every file as it was packed", not self.machine.run("dpkg", "-V", "whorl-kiosk")[1]
        )

    def programs_run(self, sample: Path, expected: bytes) -> None:
        """Help, settings, doctor, extraction; and nothing is written beside the program."""
        help_text = self.machine.must("edge-service", "--help")
        self.looked("edge-service --help", "support-bundle" in help_text, help_text)
        code, said = self.machine.run("edge-service", "settings", "check", SETTINGS)
        self.looked("settings without an identity are refused by name", code == 1 and "device" in said, said)
        settings = self.path(SETTINGS)
        settings.write_text(
            settings.read_text("utf-8").replace("version = 1", 'version = 1\ndevice = "kiosk-1"')
        )
        said = self.machine.must("edge-service", "settings", "check", SETTINGS)
        self.looked("with a name they are good", "good" in said, said)
        _, said = self.machine.run("edge-service", "doctor", "--json", "--config", SETTINGS)
        findings = {finding["check"]: finding for finding in json.loads(said[said.index("[") :])}
        self.looked("doctor: the model is good", findings["model"]["level"] == "ok", findings["model"])
        self.looked("doctor: the spool is good", findings["spool"]["level"] == "ok", findings["spool"])
        shutil.copyfile(sample, self.path("/tmp/print.png"))  # noqa: S108 - of the machine in the folder
        said = self.machine.must(
            "sh", "-c", "cd /tmp && exec edge-service extract print.png --out print.iso", user="whorl"
        )
        found = self.path("/tmp/print.iso").read_bytes()  # noqa: S108 - the same
        self.looked("extract finds what the checkout finds, to the byte", found == expected, said)
        said = self.machine.must("edge-service", "spool", "--config", SETTINGS, user="whorl")
        self.looked("a spool is made", "0 to deliver" in said, said)

    def service_runs(self, where: str, *, read_only: bool) -> None:
        """The kiosk's service, until it is ready; its page; an orderly end."""
        words = (
            "edge-service", "kiosk", "--config", SETTINGS, "--set", f"kiosk.port={PAGE}", "--set", f"ops.port={HEALTH}"
        )  # fmt: skip
        begun = time.monotonic()
        with self.machine.start(*words, user="whorl", read_only=read_only) as service:
            try:
                status, page = fetch(f"http://127.0.0.1:{PAGE}/", service.poll)
                took = time.monotonic() - begun
                alive, _ = fetch(f"http://127.0.0.1:{HEALTH}/healthz", service.poll)
            finally:
                service.terminate()
            said, _ = service.communicate(timeout=PATIENCE_S)
        self.looked(
            f"on {where} the page answers, {took:.1f} s after the start",
            status == 200 and "<html" in page,
            said,
        )
        self.looked("it is healthy", alive == 200, said)
        self.looked("it ends in order", service.returncode == 0 and "Traceback" not in said, said)

    def nothing_written(self) -> None:
        """What running has left below /usr: nothing."""
        found = self.machine.must(
            "find", "/usr/lib/whorl-kiosk", "/usr/bin/edge-service", "-newer", "/installed"
        )
        self.looked("running wrote nothing below /usr", not found, found)

    def units_are_accepted(self, names: Sequence[str]) -> None:
        """By the systemd of that Debian, with the programs where they say."""
        for name in names:
            code, said = self.machine.run("systemd-analyze", "verify", f"/usr/lib/systemd/system/{name}")
            rows = [row for row in said.splitlines() if name in row]
            self.looked(f"systemd accepts {name}", code == 0 and not rows, said)

    def updated(self, newer: Path) -> None:
        """Settings and spool survive, nobody is asked anything, and no message says to provision."""
        spool = self.path("/var/lib/whorl/spool.db").read_bytes()
        settings = self.path(SETTINGS).read_bytes()
        said = self.install(newer)
        self.looked(
            "the update does not send the technician to provision again", "provision" not in said, said
        )
        version = self.machine.must("dpkg-query", "-W", "-f", "${Version}", "whorl-kiosk")
        self.looked("the newer version is there", version.startswith(UPDATE), version)
        self.looked("settings are as they were", self.path(SETTINGS).read_bytes() == settings)
        self.looked("the spool is as it was", self.path("/var/lib/whorl/spool.db").read_bytes() == spool)
        self.looked("the newer one runs", self.machine.run("edge-service", "--help")[0] == 0)

    def removed_and_back(self, package: Path) -> None:
        """Removal and purge keep what was saved, and say so."""
        said = self.machine.must("apt-get", "remove", "-y", "whorl-kiosk")
        self.looked("removal says what it keeps", "kept: /var/lib/whorl" in said, said)
        self.looked("the program is gone", not self.path("/usr/lib/whorl-kiosk").exists())
        self.looked("the spool is kept", self.path("/var/lib/whorl/spool.db").exists())
        self.looked("the settings are kept", self.path(SETTINGS).exists())
        self.install(package)
        said = self.machine.must("edge-service", "settings", "check", SETTINGS)
        self.looked("installed again, it finds its settings", "good" in said, said)
        said = self.machine.must("apt-get", "purge", "-y", "whorl-kiosk")
        self.looked("purging says what it keeps", "kept: /var/lib/whorl" in said, said)
        self.looked("the settings are gone", not self.path(SETTINGS).exists())
        self.looked("the spool is kept even then", self.path("/var/lib/whorl/spool.db").exists())
        links = self.machine.must("find", "/etc/systemd", "-name", "whorl-*")
        self.looked("no unit is enabled that is not there", not links, links)

    def centre(self, package: Path, kiosk: Path) -> None:
        """Beside a kiosk: nothing is enabled, the authority can be made, and purging keeps it."""
        said = self.install(package, kiosk)
        self.looked("the centre says what is next", "A new centre" in said, said)
        help_text = self.machine.must("matcher-service", "--help")
        self.looked("matcher-service --help", "authority" in help_text, help_text)
        self.looked(
            "kiosk and centre live on one machine", self.machine.run("edge-service", "--help")[0] == 0
        )
        self.looked(
            "nothing of the centre is enabled",
            not self._enabled("whorl-matcher", "whorl-api", "whorl-console"),
        )
        self.machine.must(
            "matcher-service", "authority", "create", "--folder", "/var/lib/whorl-matcher/authority",
            "--address", "centre.county.example", user="whorl-matcher",
        )  # fmt: skip
        self.looked("an authority is made", self.path("/var/lib/whorl-matcher/authority/ca.pem").exists())
        code, said = self.machine.run("sh", "-c", BROKER)
        self.looked(
            "the broker starts, set up as docs/install.md says", "running" in said and code == ENDED, said
        )
        self.machine.must(
            "sh", "-c", "cd /var/lib/whorl-matcher && exec matcher-service stats --config /etc/whorl/centre.toml",
            user="whorl-matcher",
        )  # fmt: skip
        self.looked("the matcher opens its database", self.path("/var/lib/whorl-matcher/matcher.db").exists())
        self.units_are_accepted(UNITS)
        said = self.machine.must("apt-get", "purge", "-y", "whorl-centre", "whorl-kiosk")
        self.looked("purging keeps the authority's keys", "kept: /var/lib/whorl-matcher" in said, said)
        self.looked("they are there", self.path("/var/lib/whorl-matcher/authority/ca.key").exists())

    def _enabled(self, *names: str) -> bool:
        wants = self.path("/etc/systemd/system/multi-user.target.wants")
        return any((wants / f"{name}.service").is_symlink() for name in names)


def rehearse(
    *,
    python: Annotated[str, typer.Option(help="The target's Python: 3.11 is bookworm, 3.13 trixie.")] = "3.11",
    out: Annotated[Path, typer.Option(help="Where fetched wheels and the packed Debian are kept.")] = OUT,
) -> None:
    """Rehearse this machine's packages. Needs root, debootstrap, and a Debian mirror the first time.

    Example:
      sudo make test-deb
    """
    begun = time.monotonic()

    def say(words: str) -> None:
        if "unpacking" not in words or "Debian" in words:
            typer.echo(f"{time.monotonic() - begun:5.0f} s  {words}", err=True)

    def built(contents: Contents, version: str, folder: Path) -> Path:
        # Not packed tightly: what is tested is what is in it.
        return Build(
            root=ROOT,
            out=folder,
            store=out / "wheels",
            target=target,
            say=say,
            version=version,
            compression="none",
        ).package(contents)

    try:
        target = Target(arch=host_arch(), python=python)
        with tempfile.TemporaryDirectory(prefix="whorl-rehearsal-") as name:
            folder = Path(name)
            kiosk = built(KIOSK, "", folder)
            newer = built(KIOSK, f"{UPDATE}-1", folder)
            centre = built(CENTRE, "", folder)
            machine = fresh(folder, out / "roots", release=RELEASES[python][0], wanted=HAD, say=say)
            rehearsal = Rehearsal(machine, say=say)
            say("kiosk: installing")
            rehearsal.installed_kiosk(rehearsal.install(kiosk))
            (machine.root / "installed").touch()
            rehearsal.programs_run(folder / "print.png", sample_print(folder / "print.png"))
            rehearsal.service_runs("this root", read_only=False)
            rehearsal.service_runs("a read-only root", read_only=True)
            rehearsal.nothing_written()
            machine.must("find", "/usr/lib/whorl-kiosk", "-name", "*.pyc", "-delete")
            rehearsal.service_runs("a read-only root without compiled files", read_only=True)
            rehearsal.units_are_accepted(["whorl-edge.service"])
            say("kiosk: updating")
            rehearsal.updated(newer)
            say("kiosk: removing, installing again, purging")
            rehearsal.removed_and_back(newer)
            say("centre: installing beside a kiosk")
            rehearsal.centre(centre, kiosk)
    except BuildError as error:
        typer.secho(str(error), err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from None
    typer.echo(f"All as it should be, in {time.monotonic() - begun:.0f} s.")


if __name__ == "__main__":
    typer.run(rehearse)
