"""Datasets of users: versions, files, uploads, grants; names that are one's own, and what lists look for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007_datasets"
down_revision = "0006_job_names"
branch_labels = None
depends_on = None

_LISTED = (
    *("state", "name_folded", "id", "user_id", "withdrawn", "source", "asset_class", "timeframe"),
    *("start_date", "end_date"),
)
_TABLES = (
    "dataset_reports",
    "dataset_parents",
    "dataset_leases",
    "blob_references",
    "dataset_versions",
    "dataset_symbols",
    "dataset_grants",
    "uploads",
    "storage_accounts",
    "remembered_mappings",
)


def upgrade() -> None:
    """Apply."""
    # Two users may call theirs alike. SQLite cannot drop a constraint: the column that has it gets another meaning.
    op.alter_column("datasets", "name", new_column_name="unique_name")
    for column in _new():
        op.add_column("datasets", column)
    _fill()
    op.create_index("ix_datasets_listed", "datasets", list(_LISTED), unique=False)
    op.create_table(
        "remembered_mappings",
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "fingerprint", name=op.f("pk_remembered_mappings")),
    )
    op.create_index(
        op.f("ix_remembered_mappings_user_id_used_at"), "remembered_mappings", ["user_id", "used_at"], unique=False
    )
    op.create_table(
        "storage_accounts",
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("folder", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_storage_accounts")),
        sa.UniqueConstraint("folder", name=op.f("uq_storage_accounts_folder")),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("sent_metadata", sa.Text(), nullable=True),
        sa.Column("dataset_name", sa.String(length=200), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("inspection", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("mapping", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("job_id", sa.String(length=32), nullable=True),
        sa.Column("version_id", sa.String(length=32), nullable=True),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_kept_expires_at"), "uploads", ["kept", "expires_at"], unique=False)
    op.create_index(op.f("ix_uploads_user_id_created_at_id"), "uploads", ["user_id", "created_at", "id"], unique=False)
    op.create_index(op.f("ix_uploads_user_id_kept_length"), "uploads", ["user_id", "kept", "length"], unique=False)
    op.create_table(
        "dataset_grants",
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("granted_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_grants_dataset_id")),
        sa.PrimaryKeyConstraint("dataset_id", "user_id", name=op.f("pk_dataset_grants")),
    )
    op.create_index(
        op.f("ix_dataset_grants_user_id_dataset_id"), "dataset_grants", ["user_id", "dataset_id"], unique=False
    )
    op.create_table(
        "dataset_symbols",
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=128), nullable=False),
        sa.Column("folded", sa.String(length=384), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.DateTime(), nullable=False),
        sa.Column("last", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_symbols_dataset_id")),
        sa.PrimaryKeyConstraint("dataset_id", "symbol", name=op.f("pk_dataset_symbols")),
    )
    op.create_index(
        op.f("ix_dataset_symbols_folded_dataset_id"), "dataset_symbols", ["folded", "dataset_id"], unique=False
    )
    op.create_table(
        "dataset_versions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), server_default="ACTIVE", nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.Column("manifest_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.String(length=80), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("symbol_count", sa.Integer(), nullable=False),
        sa.Column("column_count", sa.Integer(), nullable=False),
        sa.Column("symbols", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("timeframe", sa.String(length=20), nullable=False),
        sa.Column("start_date", sa.DateTime(), nullable=False),
        sa.Column("end_date", sa.DateTime(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("is_validated", sa.Boolean(), nullable=False),
        sa.Column("validation_errors", sa.JSON(), nullable=False),
        sa.Column("acknowledgements", sa.JSON(), nullable=False),
        sa.Column("recipe", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("job_id", sa.String(length=32), nullable=True),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_versions_dataset_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_versions")),
        sa.UniqueConstraint("dataset_id", "number", name=op.f("uq_dataset_versions_dataset_id_number")),
    )
    op.create_index(op.f("ix_dataset_versions_created_at"), "dataset_versions", ["created_at"], unique=False)
    op.create_table(
        "blob_references",
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], name=op.f("fk_blob_references_version_id")),
        sa.PrimaryKeyConstraint("version_id", "sha256", name=op.f("pk_blob_references")),
    )
    op.create_index(
        op.f("ix_blob_references_user_id_sha256_bytes"), "blob_references", ["user_id", "sha256", "bytes"], unique=False
    )
    op.create_table(
        "dataset_leases",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], name=op.f("fk_dataset_leases_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_leases")),
    )
    op.create_index(op.f("ix_dataset_leases_holder"), "dataset_leases", ["holder"], unique=False)
    op.create_index(op.f("ix_dataset_leases_until"), "dataset_leases", ["until"], unique=False)
    op.create_index(op.f("ix_dataset_leases_version_id_until"), "dataset_leases", ["version_id", "until"], unique=False)
    op.create_table(
        "dataset_parents",
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("parent_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["dataset_versions.id"], name=op.f("fk_dataset_parents_parent_id")),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], name=op.f("fk_dataset_parents_version_id")),
        sa.PrimaryKeyConstraint("version_id", "parent_id", name=op.f("pk_dataset_parents")),
    )
    op.create_index(op.f("ix_dataset_parents_parent_id"), "dataset_parents", ["parent_id"], unique=False)
    op.create_table(
        "dataset_reports",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=True),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], name=op.f("fk_dataset_reports_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_reports")),
    )
    op.create_index(
        op.f("ix_dataset_reports_version_id_created_at"), "dataset_reports", ["version_id", "created_at"], unique=False
    )


def downgrade() -> None:
    """Undo. Users' own datasets leave the lists; only what was run on them still knows them."""
    op.execute(sa.text("UPDATE datasets SET withdrawn = :yes WHERE user_id IS NOT NULL").bindparams(yes=True))
    for table in _TABLES:
        op.drop_table(table)
    op.drop_index("ix_datasets_listed", table_name="datasets")
    for column in _new():
        op.drop_column("datasets", column.name)
    op.alter_column("datasets", "unique_name", new_column_name="name")


def _new() -> list[sa.Column[Any]]:
    """Make the columns that the catalogue gets."""
    return [
        sa.Column("name", sa.String(length=200), nullable=False, server_default=""),
        sa.Column("symbol_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("column_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("about", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("tags_folded", sa.Text(), nullable=False, server_default="|"),
        sa.Column("name_folded", sa.String(length=600), nullable=False, server_default=""),
        sa.Column("searched", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.String(length=20), nullable=False, server_default="ACTIVE"),
        sa.Column("current_version_id", sa.String(length=32), nullable=True),
        sa.Column("version_number", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
    ]


def _fill() -> None:
    """Say of the datasets that shipped so far what lists read from now on."""
    datasets = sa.table(
        "datasets",
        *(sa.column(name, sa.String()) for name in ("id", "unique_name", "name", "name_folded")),
        *(sa.column(name, sa.JSON()) for name in ("symbols", "columns", "about", "manifest")),
        *(sa.column(name, sa.Integer()) for name in ("symbol_count", "column_count")),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(datasets)).all():
        manifest = row.manifest
        about = {key: manifest.get(key) for key in ("prices", "currency", "calendar")} | {
            "license": (manifest.get("licence") or {}).get("name"),
            "tradable": bool(manifest.get("tradable", True)) and not manifest.get("closes_only", False),
            "notes": [note["text"] for note in manifest.get("notes", [])],
        }
        connection.execute(
            sa.update(datasets)
            .where(datasets.c.id == row.id)
            .values(
                name=row.unique_name,
                name_folded=row.unique_name.casefold(),
                symbol_count=len(row.symbols),
                column_count=len(row.columns),
                about=about,
            )
        )
