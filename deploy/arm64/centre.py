"""The centre, on this machine: authority, broker and matcher as they are shipped, and one person whom it knows."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from demo.centre import Centre as Store
from deploy.arm64 import parameters as p
from deploy.arm64.samples import ENROLLED
from hardware.bench.workshop_centre import WorkshopCentre
from interchange import iso19794
from interchange.messages import Submission, decode_message

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

POSITIONS = (2, 7)  # right and left index finger
REPOSITORY = "criminal"


class Centre:
    """A context manager; everything of it is in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = ExitStack()
        self.url = f"sqlite:///{folder}/matcher.db"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _start(self) -> None:
        self.folder.mkdir(parents=True)
        self._centre = WorkshopCentre(self.folder, secure=True)
        assert self._centre.secure is not None
        self._secure = self._centre.secure
        store = Store(self.url, [REPOSITORY])
        records = zip(POSITIONS, ENROLLED, strict=True)
        store.enroll(
            REPOSITORY,
            {position: iso19794.decode(s.record.read_bytes()).minutiae() for position, s in records},
        )
        store.enroll_strangers(p.STRANGERS, POSITIONS, lambda _: None)
        store.close()
        self._open.enter_context(self._centre)
        self._centre.start_door()
        self._centre.start_matcher()

    @property
    def address(self) -> str:
        """Of the door at which kiosks are admitted."""
        return self._secure.address

    def invite(self) -> str:
        """A one-time code for the kiosk."""
        return self._secure.invite(p.DEVICE, p.ORI)

    def submissions(self) -> list[Submission]:
        """What kiosks have sent, as the matcher keeps it."""
        from sqlalchemy import select

        from matcher_service.repositories import Database
        from matcher_service.repositories.schema import StoredSubmission
        from matcher_service.repositories.sealed_records import payload_of

        database = Database(self.url)
        try:
            with database.read() as session:
                numbers = session.scalars(select(StoredSubmission.id)).all()
                return [decode_message(Submission, payload_of(session, number)) for number in numbers]
        finally:
            database.close()
