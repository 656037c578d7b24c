"""Plans of checks know the datasets that their runs read beside their prices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_check_inputs"
down_revision = "0014_users"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "check_plan_inputs",
        sa.Column("strategy_id", sa.String(length=32), nullable=False),
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("seen", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_check_plan_inputs_dataset_id_datasets")
        ),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["check_plans.strategy_id"], name=op.f("fk_check_plan_inputs_strategy_id_check_plans")
        ),
        sa.PrimaryKeyConstraint("strategy_id", "dataset_id", name=op.f("pk_check_plan_inputs")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("check_plan_inputs")
