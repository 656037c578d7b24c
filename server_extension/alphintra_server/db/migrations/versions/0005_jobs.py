"""Jobs say what they took, requests can be repeated, and events count up per user."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_jobs"
down_revision = "0004_checks"
branch_labels = None
depends_on = None

_INDEXES = (
    ("status", "phase", "priority", "user_id", "queued_at"),
    ("user_id", "created_at", "id", "name"),
    ("user_id", "status", "created_at", "id", "name"),
    ("user_id", "kind", "status", "created_at", "id", "name"),
    ("finished_at",),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "job_logs",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_logs")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_logs_job_id_jobs"), ondelete="CASCADE"
        ),
    )
    op.execute(
        "INSERT INTO job_logs (job_id, lines) SELECT id, log FROM jobs WHERE CAST(log AS VARCHAR(10)) != '[]'"
    )
    op.drop_column("jobs", "log")
    op.add_column("jobs", sa.Column("name", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("cost", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("jobs", sa.Column("losses", sa.Integer(), nullable=False, server_default="0"))
    for name in ("queue_seconds", "run_seconds", "cpu_seconds"):
        op.add_column("jobs", sa.Column(name, sa.Float(), nullable=True))
    for name in ("peak_memory", "bytes_written", "output_bytes"):
        op.add_column("jobs", sa.Column(name, sa.BigInteger(), nullable=True))
    for name in ("used_at", "pruned_at"):
        op.add_column("jobs", sa.Column(name, sa.DateTime(), nullable=True))
    op.execute(
        "UPDATE jobs SET name = (SELECT backtests.name FROM backtests WHERE backtests.job_id = jobs.id) "
        "WHERE EXISTS (SELECT 1 FROM backtests WHERE backtests.job_id = jobs.id)"
    )
    op.execute(
        "UPDATE jobs SET name = (SELECT SUBSTR('Checks of ' || strategies.name, 1, 200) FROM check_runs "
        "JOIN strategies ON strategies.id = check_runs.strategy_id WHERE check_runs.job_id = jobs.id) "
        "WHERE EXISTS (SELECT 1 FROM check_runs WHERE check_runs.job_id = jobs.id)"
    )
    op.drop_index(op.f("ix_jobs_status_phase_queued_at"), table_name="jobs")
    op.drop_index(op.f("ix_jobs_user_id_status"), table_name="jobs")
    for columns in _INDEXES:
        op.create_index(op.f(f"ix_jobs_{'_'.join(columns)}"), "jobs", list(columns), unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("route", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)

    op.create_table(
        "event_counters",
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_event_counters")),
    )
    # What readers know of earlier events stays true: their numbers were those of the whole server.
    op.add_column("outbox", sa.Column("sequence", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE outbox SET sequence = event_id")
    op.execute("INSERT INTO event_counters (user_id, last) SELECT user_id, MAX(event_id) FROM outbox GROUP BY user_id")
    op.drop_index(op.f("ix_outbox_delivered_at"), table_name="outbox")
    op.create_index(op.f("ix_outbox_delivered_at_event_id"), "outbox", ["delivered_at", "event_id"], unique=False)
    op.create_index(op.f("ix_outbox_user_id_sequence"), "outbox", ["user_id", "sequence"], unique=True)
    op.create_index(op.f("ix_outbox_created_at"), "outbox", ["created_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_outbox_created_at"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_user_id_sequence"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_delivered_at_event_id"), table_name="outbox")
    op.create_index(op.f("ix_outbox_delivered_at"), "outbox", ["delivered_at"], unique=False)
    op.drop_column("outbox", "sequence")
    op.drop_table("event_counters")
    op.drop_table("idempotency_keys")
    for columns in _INDEXES:
        op.drop_index(op.f(f"ix_jobs_{'_'.join(columns)}"), table_name="jobs")
    op.create_index(op.f("ix_jobs_user_id_status"), "jobs", ["user_id", "status"], unique=False)
    op.create_index(op.f("ix_jobs_status_phase_queued_at"), "jobs", ["status", "phase", "queued_at"], unique=False)
    for name in (
        "pruned_at", "used_at", "output_bytes", "bytes_written", "peak_memory", "cpu_seconds", "run_seconds",
        "queue_seconds", "losses", "cost", "name",
    ):  # fmt: skip
        op.drop_column("jobs", name)
    op.add_column("jobs", sa.Column("log", sa.JSON(), nullable=False, server_default="[]"))
    op.execute(
        "UPDATE jobs SET log = (SELECT job_logs.lines FROM job_logs WHERE job_logs.job_id = jobs.id) "
        "WHERE EXISTS (SELECT 1 FROM job_logs WHERE job_logs.job_id = jobs.id)"
    )
    op.drop_table("job_logs")
