"""The galleries: the prints of each repository as a search reads them, durable, and current with the database.

`LiveGalleries` keeps all of them in step; `GalleryStore` is one in a folder, `MemoryStore` one without. The formats
and the rules by which a crash loses nothing are in `docs/gallery.md`.
"""

from matcher_service.galleries.building import StoreOptions
from matcher_service.galleries.disk import Disk, OpenFile
from matcher_service.galleries.errors import (
    GalleryDamaged,
    GalleryError,
    GalleryLocked,
    GalleryOutdated,
    GalleryWriteFailed,
)
from matcher_service.galleries.inspection import GalleryFacts, inspect_gallery
from matcher_service.galleries.journal import Mark
from matcher_service.galleries.live import FoundIdentity, LiveGalleries, SearchableGallery
from matcher_service.galleries.source import MemoryStore, PrintSource
from matcher_service.galleries.store import GalleryStore

__all__ = [
    "Disk",
    "FoundIdentity",
    "GalleryDamaged",
    "GalleryError",
    "GalleryFacts",
    "GalleryLocked",
    "GalleryOutdated",
    "GalleryStore",
    "GalleryWriteFailed",
    "LiveGalleries",
    "Mark",
    "MemoryStore",
    "OpenFile",
    "PrintSource",
    "SearchableGallery",
    "StoreOptions",
    "inspect_gallery",
]
