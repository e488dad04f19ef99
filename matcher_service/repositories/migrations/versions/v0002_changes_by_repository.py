"""An index for following the changes of one repository."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    op.create_index("ix_gallery_change_repository_id_seq", "gallery_change", ["repository_id", "seq"])


def downgrade() -> None:
    """Unmake it."""
    op.drop_index("ix_gallery_change_repository_id_seq", "gallery_change")
