"""What is made of an upload may be sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_sealed"
down_revision = "0011_features"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("ingests", sa.Column("sealed", sa.Boolean(), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("ingests", "sealed")
