"""The tables of images of prints: what was offered and what the rules said to it, and the images themselves, sealed."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the tables read it at run time

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matcher_service.repositories.schema import Base, BigKey, UtcDateTime


class ImageOffer(Base):
    """What the rules said when a device first offered the images of a submission.

    `repositories`: the names of those whose rules let images be carried, separated by spaces; empty for none.
    """

    __tablename__ = "image_offer"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    offered: Mapped[int]
    repositories: Mapped[str] = mapped_column(String(1100))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SubmissionImage(Base):
    """The image of one print of a submission, by its place there, sealed under the submission's key.

    One that was `refused`, because it is not the one that was signed for, is empty: it is not asked for again.
    """

    __tablename__ = "submission_image"
    __table_args__ = (UniqueConstraint("submission_id", "number", name="uq_submission_image"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    number: Mapped[int]
    picture: Mapped[bytes] = mapped_column(LargeBinary)
    refused: Mapped[str | None] = mapped_column(String(300))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
