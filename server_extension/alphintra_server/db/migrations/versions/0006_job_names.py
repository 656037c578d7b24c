"""Names of jobs as they are looked for: in one case, which both databases compare quickly and alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_job_names"
down_revision = "0005_jobs"
branch_labels = None
depends_on = None

_INDEXES = (
    ("user_id", "created_at", "id"),
    ("user_id", "status", "created_at", "id"),
    ("user_id", "kind", "status", "created_at", "id"),
)
_COUNTED = ("user_id", "status", "kind", "name_folded")
_BATCH = 5_000


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("name_folded", sa.String(length=600), nullable=False, server_default=""))
    _fold()
    for columns in _INDEXES:
        name = f"ix_jobs_{'_'.join(columns)}_name"
        op.drop_index(op.f(name), table_name="jobs")
        op.create_index(op.f(f"{name}_folded"), "jobs", [*columns, "name_folded"], unique=False)
    op.create_index(op.f(f"ix_jobs_{'_'.join(_COUNTED)}"), "jobs", list(_COUNTED), unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f(f"ix_jobs_{'_'.join(_COUNTED)}"), table_name="jobs")
    for columns in _INDEXES:
        op.drop_index(op.f(f"ix_jobs_{'_'.join(columns)}_name_folded"), table_name="jobs")
        op.create_index(op.f(f"ix_jobs_{'_'.join(columns)}_name"), "jobs", [*columns, "name"], unique=False)
    op.drop_column("jobs", "name_folded")


def _fold() -> None:
    """Fold what there is. Neither database knows the cases of all letters."""
    jobs = sa.table("jobs", sa.column("id"), sa.column("name"), sa.column("name_folded"))
    connection = op.get_bind()
    fold = sa.update(jobs).where(jobs.c.id == sa.bindparam("job")).values(name_folded=sa.bindparam("folded"))
    last = ""
    while True:
        query = sa.select(jobs.c.id, jobs.c.name).where(jobs.c.id > last).order_by(jobs.c.id).limit(_BATCH)
        found = connection.execute(query).all()
        if not found:
            return
        connection.execute(fold, [{"job": row.id, "folded": row.name.casefold()} for row in found])
        last = found[-1].id
