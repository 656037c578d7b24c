"""From any file to sorted staging and findings.

Runs in a sandboxed worker, never in the server: what people send is parsed here. No server, no Jupyter, no network.
"""

from alphintra.ingest.findings import Finding
from alphintra.ingest.guessing import Guess, recalled
from alphintra.ingest.inspecting import Inspection, inspect
from alphintra.ingest.limits import Limits
from alphintra.ingest.mapping import Column, Dialect, Mapping, fingerprint
from alphintra.ingest.reading import Staged, read
from alphintra.ingest.roles import Question, Reason

__all__ = [
    "Column",
    "Dialect",
    "Finding",
    "Guess",
    "Inspection",
    "Limits",
    "Mapping",
    "Question",
    "Reason",
    "Staged",
    "fingerprint",
    "inspect",
    "read",
    "recalled",
]
