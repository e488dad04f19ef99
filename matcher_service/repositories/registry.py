"""The register of devices: who was invited, who came, for which agency, with which keys, and who was shut out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select, update

from interchange.envelope_keys import PublicKey
from matcher_service.auditing.recording import note, record, shell
from matcher_service.errors import MatcherError
from matcher_service.repositories.device_tables import DeviceInvitation, DeviceKey, RegisteredDevice
from matcher_service.repositories.names import Holder, holder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.orm import Session

    from matcher_service.auditing.recording import Fact
    from matcher_service.repositories.database import Database


_PURPOSE = "provisioning"


class RegistryState(StrEnum):
    """Whether a registered device may speak."""

    ACTIVE = "active"
    REVOKED = "revoked"


class KeyKind(StrEnum):
    """What a device's key is for."""

    SIGNING = "signing"
    SEALING = "sealing"


class NotAdmitted(MatcherError):  # noqa: N818 - reads as what it is
    """A code, a device or a key that is not let in.

    Attributes:
        outcome: in a word, for the audit: "unknown code", "used code", "expired code", "device", "key".
        reason: in words, for whoever stands at the kiosk.
    """

    def __init__(self, outcome: str, reason: str) -> None:
        self.outcome = outcome
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A public key of a device, and from when to when it counts."""

    key: PublicKey
    kind: KeyKind
    added_at: datetime
    retired_at: datetime | None

    def counts(self, now: datetime) -> bool:
        """Whether it does now."""
        return self.retired_at is None or self.retired_at > now


@dataclass(frozen=True, slots=True)
class Registration:
    """A device as it is registered; its keys the newest first."""

    name: str
    ori: str
    state: RegistryState
    registered_at: datetime
    revoked_at: datetime | None
    centre_generation: int
    keys: tuple[KeyRecord, ...]

    def all_of(self, kind: KeyKind) -> list[KeyRecord]:
        """Its keys of a kind, the newest first, those that were retired too."""
        return [record for record in self.keys if record.kind is kind]


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation, without its code."""

    device: str
    ori: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None


class Registry:
    """The register. Raises StoreError when the database fails."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clients: Collection[str] = (),
    ) -> None:
        """`clients` are the ABIS clients of the settings: no kiosk may have such a name."""
        self._database = database
        self._now = now
        self._clients = frozenset(clients)

    def invite(
        self, code_sha256: str, *, device: str, ori: str, valid: timedelta, by: str, replace: bool = False
    ) -> Invitation:
        """Note an invitation; one that `device` had before and has not used is void. Raises NotAdmitted."""
        now = self._now()
        with self._database.write() as session:
            self._refuse_taken(session, device)
            known = session.get(RegisteredDevice, device)
            if known is not None and known.state == RegistryState.ACTIVE and not replace:
                raise NotAdmitted(
                    "device",
                    f"'{device}' is registered already. To give its name to another machine, or to the same one anew,"
                    " invite it with --replace: its present keys and certificate end when the code is used",
                )
            session.execute(
                update(DeviceInvitation)
                .where(DeviceInvitation.device == device, DeviceInvitation.used_at.is_(None))
                .values(expires_at=now)
            )
            row = DeviceInvitation(
                code_sha256=code_sha256,
                device=device,
                ori=ori,
                made_by=by[:64],
                made_at=now,
                expires_at=now + valid,
            )
            session.add(row)
            _audit(session, "device.invite", device, actor=shell(by), ori=ori, replace=replace)
            return _invitation(row)

    def redeem(
        self, code_sha256: str, *, used_for: str, keys: dict[KeyKind, PublicKey], generation: int
    ) -> tuple[Registration, bool]:
        """Use a code: its device is registered with `keys`, all that it had before ends. Raises NotAdmitted.

        `used_for` is a hash of all keys of the request: the same kiosk may ask again when the answer was lost, and
        gets the same; nobody else does. The second value says whether it was the first time.
        """
        now = self._now()
        with self._database.write() as session:
            row = session.scalar(select(DeviceInvitation).where(DeviceInvitation.code_sha256 == code_sha256))
            if row is None:
                raise NotAdmitted("unknown code", "the centre knows no such code; ask it for a new one")
            again = row.used_at is not None
            if again and row.used_for != used_for:
                raise NotAdmitted(
                    "used code",
                    "this code was used already. If it was not by this kiosk, tell the centre at once;"
                    " in any case ask it for a new one",
                )
            if row.expires_at <= now:
                raise NotAdmitted(
                    "expired code", "this code is no longer valid; ask the centre for a new one"
                )
            if again:
                found = session.get(RegisteredDevice, row.device)
                if found is None or found.state != RegistryState.ACTIVE:
                    raise NotAdmitted("device", f"'{row.device}' was revoked; ask the centre for a new code")
                return _registration(session, found), False
            self._refuse_taken(session, row.device)
            row.used_at, row.used_for = now, used_for
            device = session.get(RegisteredDevice, row.device)
            if device is None:
                device = RegisteredDevice(name=row.device)
                session.add(device)
            device.ori, device.state = row.ori, RegistryState.ACTIVE
            device.registered_at, device.revoked_at = now, None
            device.centre_generation = generation
            session.flush()
            _retire_keys(session, row.device, now)
            _add_keys(session, row.device, keys, now)
            _audit(session, "device.provision", row.device, actor=f"device:{row.device}", ori=row.ori)
            return _registration(session, device), True

    def renew(
        self, device: str, keys: dict[KeyKind, PublicKey], *, grace: timedelta
    ) -> tuple[Registration, bool]:
        """Give `device` new keys; those it has count for `grace` more. Raises NotAdmitted.

        The second value is False where it has them already, because the answer was lost and it asks again.
        """
        now = self._now()
        with self._database.write() as session:
            row = session.get(RegisteredDevice, device)
            if row is None or row.state != RegistryState.ACTIVE:
                raise NotAdmitted("device", f"'{device}' is not registered, or was revoked")
            current = {
                found.id
                for found in session.scalars(
                    select(DeviceKey).where(DeviceKey.device == device, DeviceKey.retired_at.is_(None))
                )
            }
            if current == {key.id.hex() for key in keys.values()}:
                return _registration(session, row), False
            _retire_keys(session, device, now + grace)
            _add_keys(session, device, keys, now)
            _audit(session, "device.renew", device, actor=f"device:{device}", ori=row.ori)
            return _registration(session, row), True

    def revoke(self, device: str, *, by: str) -> Registration:
        """Shut `device` out, and make void any invitation of it. Raises NotAdmitted if there is no such device."""
        now = self._now()
        with self._database.write() as session:
            row = session.get(RegisteredDevice, device)
            if row is None:
                raise NotAdmitted(
                    "device", f"no device '{device}' is registered; see: matcher-service devices list"
                )
            if row.state != RegistryState.REVOKED:
                row.state, row.revoked_at = RegistryState.REVOKED, now
            _retire_keys(session, device, now)
            session.execute(
                update(DeviceInvitation)
                .where(DeviceInvitation.device == device, DeviceInvitation.expires_at > now)
                .values(expires_at=now)
            )
            session.flush()
            _audit(session, "device.revoke", device, actor=shell(by), ori=row.ori)
            return _registration(session, row)

    def note(self, action: str, *, actor: str, outcome: str, device: str = "", **details: Fact) -> None:
        """Record what changes nothing here: a refusal, an answer that is given again. Raises StoreError."""
        more = cast("dict[str, Any]", details)  # none of them is one of `note`'s own words
        note(self._database, action, actor=actor, purpose=_PURPOSE, outcome=outcome, subject=device, **more)

    def find(self, device: str) -> Registration | None:
        """The device, if it is registered."""
        with self._database.read() as session:
            row = session.get(RegisteredDevice, device)
            return None if row is None else _registration(session, row)

    def all(self) -> list[Registration]:
        """All registered devices, by name."""
        with self._database.read() as session:
            rows = session.scalars(select(RegisteredDevice).order_by(RegisteredDevice.name)).all()
            return [_registration(session, row) for row in rows]

    def invitations(self, device: str | None = None) -> list[Invitation]:
        """All invitations, or those of one device, the newest first."""
        query = select(DeviceInvitation).order_by(DeviceInvitation.id.desc())
        if device is not None:
            query = query.where(DeviceInvitation.device == device)
        with self._database.read() as session:
            return [_invitation(row) for row in session.scalars(query)]

    def note_generation(self, device: str, generation: int) -> None:
        """The generation of the centre's keys that `device` uses now."""
        with self._database.write() as session:
            session.execute(
                update(RegisteredDevice)
                .where(RegisteredDevice.name == device)
                .values(centre_generation=generation)
            )

    def _refuse_taken(self, session: Session, device: str) -> None:
        holder = holder_of(session, device, but=Holder.KIOSK, now=self._now(), clients=self._clients)
        if holder is not None:
            raise NotAdmitted("device", f"'{device}' is the name of {holder}; give the kiosk another name")


def _audit(session: Session, action: str, device: str, *, actor: str, ori: str, **more: Fact) -> None:
    record(session, action, actor=actor, purpose=_PURPOSE, subject=device, details={"ori": ori, **more})


def _retire_keys(session: Session, device: str, when: datetime) -> None:
    """From `when` on its keys count no more; what ends sooner stays so."""
    later = (DeviceKey.retired_at.is_(None)) | (DeviceKey.retired_at > when)
    session.execute(update(DeviceKey).where(DeviceKey.device == device, later).values(retired_at=when))


def _add_keys(session: Session, device: str, keys: dict[KeyKind, PublicKey], now: datetime) -> None:
    if len({key.id for key in keys.values()}) != len(keys):
        raise NotAdmitted("key", "signing and sealing need a key each")
    for kind, key in keys.items():
        if session.get(DeviceKey, key.id.hex()) is not None:
            raise NotAdmitted(
                "key", "a key that was used before, by this device or another, is not taken again"
            )
        session.add(
            DeviceKey(id=key.id.hex(), device=device, kind=kind, pem=key.pem.decode("ascii"), added_at=now)
        )
    session.flush()


def _registration(session: Session, row: RegisteredDevice) -> Registration:
    keys = session.scalars(
        select(DeviceKey).where(DeviceKey.device == row.name).order_by(DeviceKey.added_at.desc())
    )
    return Registration(
        name=row.name,
        ori=row.ori,
        state=RegistryState(row.state),
        registered_at=row.registered_at,
        revoked_at=row.revoked_at,
        centre_generation=row.centre_generation,
        keys=tuple(
            KeyRecord(PublicKey.read(key.pem.encode()), KeyKind(key.kind), key.added_at, key.retired_at)
            for key in keys
        ),
    )


def _invitation(row: DeviceInvitation) -> Invitation:
    return Invitation(row.device, row.ori, row.made_by, row.made_at, row.expires_at, row.used_at)
