"""Images on their way to the matcher: offered once a submission is answered, sent only where they are wanted.

By default none is kept at all (`[uplink] send_images`). Where they are, the matcher is told that they are there, and
says which its rules let it take; those are sent, and it is asked again, until it wants none: then all are erased here.
So whatever gets lost on the way is sent again, and an image that no rule allows never leaves the kiosk.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge_service import parameters
from edge_service.errors import SpoolError
from edge_service.spool import SpoolState
from interchange.logs import facts
from interchange.messages import ImageSent, ImagesOffered, encode_message

if TYPE_CHECKING:
    from edge_service.spool import Spool
    from edge_service.spool.images import ImageStore
    from interchange.messages import ImagesWanted

log = logging.getLogger("edge.images")

COMMAND = "images_wanted"
_OVER = frozenset({SpoolState.REFUSED, SpoolState.EXPIRED, SpoolState.DAMAGED})


class ImageOffers:
    """All calls on the link's thread. What it returns is to be published at ``up/event``."""

    def __init__(self, images: ImageStore, *, spool: Spool, device: str) -> None:
        self._images = images
        self._spool = spool
        self._device = device
        self._due: dict[str, float] = {}

    def connected(self) -> None:
        """All offers are due."""
        self._due.clear()

    def due(self) -> list[bytes]:
        """What is to be offered now. What nobody will ask for any more is erased."""
        now = time.monotonic()
        offers: list[bytes] = []
        try:
            for tcn, made in self._images.waiting().items():
                if self._due.get(tcn, 0.0) > now:
                    continue
                known = self._spool.times(tcn)
                if known is None and tcn not in self._due:  # its images are kept before the submission is
                    self._due[tcn] = now + parameters.IMAGES_WITHOUT_SUBMISSION_S
                elif known is None or known.state in _OVER or made >= parameters.IMAGE_OFFERS:
                    self._erase(tcn)
                elif known.state is SpoolState.REPLIED:
                    pause = parameters.OFFER_IMAGES_AGAIN_S * 2 ** min(made, 20)
                    self._due[tcn] = now + min(pause, parameters.OFFER_IMAGES_AT_LEAST_S)
                    self._images.count_offer(tcn)
                    offers.append(encode_message(ImagesOffered(device=self._device, tcn=tcn)))
        except SpoolError as error:
            log.error("images cannot be offered", extra=facts(reason=error))  # noqa: TRY400
        return offers

    def wanted(self, word: ImagesWanted) -> list[bytes]:
        """The matcher's answer: the next images; with nothing left that it wants, all are erased."""
        chosen = [
            (number, picture)
            for number in word.prints
            if (picture := self._images.image(word.tcn, number)) is not None
        ][: parameters.IMAGES_AT_ONCE]
        if not chosen:
            self._erase(word.tcn)
            return []
        # Asked again at once, behind what is sent now: a booking that is saved meanwhile gets its turn in between.
        self._due[word.tcn] = time.monotonic() + parameters.NEXT_IMAGES_AFTER_S
        log.info("images sent", extra=facts(tcn=word.tcn, count=len(chosen)))
        return [
            encode_message(ImageSent(device=self._device, tcn=word.tcn, number=number, image=picture))
            for number, picture in chosen
        ]

    def _erase(self, tcn: str) -> None:
        self._due.pop(tcn, None)
        if self._images.erase(tcn):
            log.info("images erased", extra=facts(tcn=tcn))
