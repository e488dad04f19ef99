"""The kiosk's identity: who it is, its keys, its certificate, and the centre's keys, in a folder of its own.

    current -> keys-0002      one link, and so one step from the old to the new
    keys-0002/  tls.key tls.pem ca.pem signing.key sealing.key identity.json centre.json
    keys-0001/                the last one: what was sealed to it may still be on its way
    pending/    tls.key signing.key sealing.key request.pem for      made, asked for, not yet certified

Private keys are made here and never leave; the files are their owner's alone. Whatever is cut off in between, the
next start finds either the old identity or the new one, whole.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from edge_service.provisioning import parameters
from edge_service.provisioning.errors import IdentityError
from interchange.certificates import (
    CertificateFacts,
    certificate_request,
    is_issued_by,
    key_pem,
    new_key,
    public_der,
    read_certificate,
    read_key,
)
from interchange.envelope_keys import PrivateKey, PublicKey
from interchange.errors import EnvelopeError
from interchange.provisioning import BrokerAddress, CentreKeys
from interchange.whole_file import PUBLIC, make_private_folder, sync_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

CURRENT, PENDING, GENERATION = "current", "pending", "keys-"
FACTS, CENTRE = "identity.json", "centre.json"


@dataclass(frozen=True, slots=True)
class Centre:
    """A generation of the centre's public keys."""

    number: int
    signing: PublicKey
    sealing: PublicKey


@dataclass(frozen=True, slots=True)
class Identity:
    """What the kiosk speaks with. Lists are the newest first; the older ones only open what is on its way."""

    name: str
    ori: str
    broker: BrokerAddress
    certificate: CertificateFacts
    signing: PrivateKey
    sealing: tuple[PrivateKey, ...]
    centre: tuple[Centre, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """Keys that were made and are not certified yet, as the centre is told of them."""

    request: str
    signing: str
    sealing: str


class IdentityFolder:
    """See the module. Raises IdentityError for what cannot be read, OSError for what cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        """The files that are in use, by a path that stays."""
        return self.folder / CURRENT

    @property
    def exists(self) -> bool:
        """Whether this kiosk was provisioned. Raises IdentityError if this account may not know."""
        try:
            self._finish()
            return (self.current / FACTS).is_file()
        except PermissionError:
            raise IdentityError(
                self.folder, "may not be read by this account; run this as the service's user"
            ) from None

    @property
    def state(self) -> tuple[str, int]:
        """Changes whenever the identity does."""
        try:
            return self.current.readlink().name, (self.current / CENTRE).stat().st_mtime_ns
        except OSError:
            return "", 0

    def load(self) -> Identity:
        """The identity in use."""
        current = self.current
        try:
            self._finish()
            tree = _tree(current / FACTS)
            sealing = [PrivateKey.read((current / "sealing.key").read_bytes())]
            previous = self._previous()
            if previous is not None and (previous / "sealing.key").is_file():
                sealing.append(PrivateKey.read((previous / "sealing.key").read_bytes()))
            return Identity(
                name=tree["name"],
                ori=tree["ori"],
                broker=BrokerAddress.model_validate(tree["broker"]),
                certificate=read_certificate((current / "tls.pem").read_bytes()),
                signing=PrivateKey.read((current / "signing.key").read_bytes()),
                sealing=tuple(sealing),
                centre=tuple(_centre(keys) for keys in _tree(current / CENTRE)["keys"]),
            )
        except FileNotFoundError as error:
            raise IdentityError(
                self.folder, f"{error.filename} is missing; provision this kiosk again"
            ) from None
        except PermissionError as error:
            raise IdentityError(self.folder, f"{error.filename} may not be read by this account") from None
        except (OSError, ValueError, KeyError, TypeError, EnvelopeError) as error:
            raise IdentityError(
                self.folder, f"the identity cannot be read ({error}); provision this kiosk again"
            ) from None

    def prepare(self, purpose: str) -> Pending:
        """Keys for the next certificate: those that wait already for the same `purpose`, or new ones."""
        pending = self.folder / PENDING
        self._finish()
        if not (pending / "for").is_file() or (pending / "for").read_text("ascii") != purpose:
            make_private_folder(self.folder)
            shutil.rmtree(pending, ignore_errors=True)
            make_private_folder(pending)
            key = new_key()
            write_whole(pending / "tls.key", key_pem(key))
            for file in ("signing.key", "sealing.key"):
                write_whole(pending / file, PrivateKey.generate().pem)
            # Whose it will be is for the centre to say.
            write_whole(pending / "request.pem", certificate_request(key, "kiosk"))
            write_whole(pending / "for", purpose.encode("ascii"))
            sync_folder(self.folder)
        try:
            return Pending(
                request=(pending / "request.pem").read_text("ascii"),
                signing=PrivateKey.read((pending / "signing.key").read_bytes()).public.pem.decode("ascii"),
                sealing=PrivateKey.read((pending / "sealing.key").read_bytes()).public.pem.decode("ascii"),
            )
        except (OSError, ValueError, EnvelopeError) as error:
            raise IdentityError(pending, f"cannot be read ({error}); remove that folder, try again") from None

    def drop_pending(self) -> None:
        """Forget keys that were not certified."""
        shutil.rmtree(self.folder / PENDING, ignore_errors=True)

    def pending_sealing(self) -> PrivateKey | None:
        """The next sealing key, if one waits: the centre may use it before we know that it has it."""
        try:
            return PrivateKey.read((self.folder / PENDING / "sealing.key").read_bytes())
        except (OSError, EnvelopeError):
            return None

    def install(
        self,
        *,
        name: str,
        ori: str,
        broker: BrokerAddress,
        certificate: str,
        ca: str,
        centre: list[CentreKeys],
        now: datetime | None = None,
    ) -> None:
        """Take the pending keys into use, with their certificate. Raises IdentityError if it is not theirs."""
        pending = self.folder / PENDING
        self._check(pending, name=name, ori=ori, certificate=certificate.encode(), ca=ca.encode())
        made = (now or datetime.now(UTC)).isoformat()
        write_whole(pending / "tls.pem", certificate.encode(), mode=PUBLIC)
        write_whole(pending / "ca.pem", ca.encode(), mode=PUBLIC)
        facts = {"version": 1, "name": name, "ori": ori, "broker": broker.model_dump(), "made": made}
        write_whole(pending / FACTS, json.dumps(facts).encode())
        _write_centre(pending, centre, made)
        numbers = [_number(path) for path in self._all()]
        target = self.folder / f"{GENERATION}{max(numbers, default=0) + 1:04d}"
        pending.rename(target)
        self._finish()
        for older in self._all()[:-2]:
            shutil.rmtree(older, ignore_errors=True)

    def renew(self, certificate: str, *, now: datetime) -> None:
        """Take the pending keys into use under the same name, with their next certificate."""
        tree, centre = _tree(self.current / FACTS), _tree(self.current / CENTRE)
        self.install(
            name=tree["name"],
            ori=tree["ori"],
            broker=BrokerAddress.model_validate(tree["broker"]),
            certificate=certificate,
            ca=(self.current / "ca.pem").read_text("ascii"),
            centre=[CentreKeys.model_validate(keys) for keys in centre["keys"]],
            now=now,
        )

    def learn(self, keys: CentreKeys, *, now: datetime) -> bool:
        """Use the centre's new keys; the last ones are kept for a while. False if these are not newer."""
        known = [CentreKeys.model_validate(one) for one in _tree(self.current / CENTRE)["keys"]]
        if keys.generation <= known[0].generation:
            return False
        _centre(keys.model_dump())  # readable, or not taken
        _write_centre(self.current.resolve(), [keys, known[0]], now.isoformat())
        return True

    def forget_previous(self, *, now: datetime) -> bool:
        """Erase what has been kept long enough: our last keys, and the centre's. True if something was."""
        long_ago = now - timedelta(days=parameters.KEEP_PREVIOUS_DAYS)
        done = False
        previous = self._previous()
        if previous is not None and datetime.fromisoformat(_tree(self.current / FACTS)["made"]) < long_ago:
            shutil.rmtree(previous)
            done = True
        centre = _tree(self.current / CENTRE)
        if len(centre["keys"]) > 1 and datetime.fromisoformat(centre["since"]) < long_ago:
            newest = CentreKeys.model_validate(centre["keys"][0])
            _write_centre(self.current.resolve(), [newest], centre["since"])
            done = True
        return done

    def _check(self, pending: Path, *, name: str, ori: str, certificate: bytes, ca: bytes) -> None:
        """A certificate that is not for our key, or not from our authority, is not taken into use."""
        try:
            facts = read_certificate(certificate)
            key = read_key((pending / "tls.key").read_bytes())
            if facts.key != public_der(key.public_key()) or (facts.name, facts.ori) != (name, ori):
                raise IdentityError(
                    self.folder, "the certificate that came is not for this kiosk's key and name"
                )
            if not is_issued_by(certificate, ca):
                raise IdentityError(
                    self.folder, "the certificate that came is not by the authority beside it"
                )
        except (OSError, EnvelopeError) as error:
            raise IdentityError(self.folder, f"the certificate that came cannot be read ({error})") from None

    def _finish(self) -> None:
        """Point to the newest generation. It was whole before it had its name, so this is right after a crash too."""
        found = self._all()
        if not found or (self.current.is_symlink() and self.current.readlink().name == found[-1].name):
            return
        link = self.folder / f".{CURRENT}.{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(found[-1].name)
        sync_folder(self.folder)
        link.replace(self.current)
        sync_folder(self.folder)

    def _all(self) -> list[Path]:
        return sorted(self.folder.glob(f"{GENERATION}[0-9]*"), key=_number)

    def _previous(self) -> Path | None:
        """The generation before the one in use, if it is kept."""
        try:
            current = self.current.readlink().name
        except OSError:
            return None
        older = [path for path in self._all() if _number(path) < int(current.removeprefix(GENERATION))]
        return older[-1] if older else None


def _number(path: Path) -> int:
    return int(path.name.removeprefix(GENERATION))


def _tree(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes())


def _centre(keys: dict[str, Any]) -> Centre:
    read = CentreKeys.model_validate(keys)
    return Centre(
        read.generation, PublicKey.read(read.signing.encode()), PublicKey.read(read.sealing.encode())
    )


def _write_centre(folder: Path, keys: list[CentreKeys], since: str) -> None:
    tree = {"version": 1, "since": since, "keys": [one.model_dump() for one in keys]}
    write_whole(folder / CENTRE, json.dumps(tree).encode())
