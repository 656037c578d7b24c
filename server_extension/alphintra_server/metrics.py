"""Prometheus metrics, in the registry that Jupyter serves at ``/metrics``.

The duration of requests is Jupyter's own ``http_request_duration_seconds``: it observes every handler, so
ours are in it already, and a second histogram of that name would not register.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "http_requests_total", "Requests to Alphintra's endpoints", ["method", "handler", "status"]
)
JOBS = Counter("alphintra_jobs_total", "Jobs that finished", ["kind", "status"])
JOBS_RUNNING = Gauge("alphintra_jobs_running", "Jobs that this server runs now", ["kind"])
JOB_SECONDS = Histogram(
    "alphintra_job_duration_seconds",
    "From claim to end of a job",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
JOB_QUEUE_SECONDS = Histogram(
    "alphintra_job_queue_seconds",
    "From queued to claimed",
    ["kind"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
)
JOB_CPU_SECONDS = Histogram(
    "alphintra_job_cpu_seconds",
    "Processor time of all processes of a job",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
)
JOB_PEAK_MEMORY = Histogram(
    "alphintra_job_peak_memory_bytes",
    "Most memory that a job had at once",
    ["kind"],
    buckets=tuple(float(1 << exponent) for exponent in range(25, 35)),
)
JOB_BYTES_WRITTEN = Histogram(
    "alphintra_job_written_bytes",
    "What a job wrote to the disk",
    ["kind"],
    buckets=tuple(float(1 << exponent) for exponent in range(12, 34, 2)),
)
JOB_START_SECONDS = Histogram(
    "alphintra_job_start_seconds",
    "From claim to the first line of user code",
    ["kind"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
UPLOADS = Counter("alphintra_uploads", "Files that were uploaded whole")
UPLOAD_BYTES = Counter("alphintra_upload_bytes", "Bytes of uploads that were put on the disk")
UPLOAD_FAILURES = Counter(
    "alphintra_upload_failures", "Requests with a file or a part of one that were refused", ["reason"]
)
INGEST_SECONDS = Histogram(
    "alphintra_ingest_seconds",
    "From claim to end of a job that looks at an upload (inspect) or makes a version of it (ingest)",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
INGEST_FAILURES = Counter("alphintra_ingest_failures", "Uploads of which nothing could be made", ["kind", "reason"])
INGESTED_ROWS = Counter("alphintra_ingested_rows", "Rows of the versions that uploads became")
PROCESSED_ROWS = Counter("alphintra_processed_rows", "Rows of the versions that recipes made")
STORED_FAILURES = Counter(
    "alphintra_stored_failures",
    "Jobs on stored versions that failed: a recipe run (process) or tried (preview), two compared (compare), one "
    "checked again (validate)",
    ["kind", "reason"],
)
CONNECTOR_RUNS = Counter("alphintra_connector_runs", "Runs of connectors that ended", ["kind", "state"])
CONNECTOR_ROWS = Counter("alphintra_connector_rows", "Rows that runs of connectors added to datasets", ["kind"])
CONNECTOR_FAILURES = Counter("alphintra_connector_failures", "Runs of connectors that failed", ["kind", "reason"])
CONNECTOR_AGE = Gauge(
    "alphintra_connector_age_seconds",
    "Since the last success of the scheduled connector that has had none for the longest",
    ["kind"],
)
READERS = Gauge("alphintra_readers", "Processes of this server that read a dataset for charts and downloads")
READER_START_SECONDS = Histogram(
    "alphintra_reader_start_seconds",
    "From asking for such a process to its dataset being open",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
READER_FAILURES = Counter(
    "alphintra_reader_failures", "Such processes that were not started or did not do what they were asked", ["reason"]
)
DOWNLOADS = Counter(
    "alphintra_downloads", "Downloads of rows that had begun, by how they ended: WHOLE, LEFT, FAILED", ["format", "end"]
)
DOWNLOAD_BYTES = Counter("alphintra_download_bytes", "Bytes of downloads that were sent", ["format"])
DOWNLOAD_SECONDS = Histogram(
    "alphintra_download_seconds",
    "From the request to the last byte of a download that came whole",
    ["format"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200),
)


def count_cancelled(kind: str, status: str) -> None:
    """Count a job that a request to cancel has ended: one that waited. A running one is counted when it ends."""
    if status == "CANCELLED":
        JOBS.labels(kind, status).inc()
