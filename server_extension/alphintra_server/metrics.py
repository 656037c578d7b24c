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
JOB_START_SECONDS = Histogram(
    "alphintra_job_start_seconds",
    "From claim to the first line of user code",
    ["kind"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
