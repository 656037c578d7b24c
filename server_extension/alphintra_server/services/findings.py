"""What reading a file found, in the words in which the catalogue says it."""

from __future__ import annotations

from ..jobs.ingest_output import FindingDocument, ReportDocument

MOST_ERRORS = 100


def open_errors(report: ReportDocument) -> tuple[str, ...]:
    """Return a line for each rule of which there are errors: how many, and where the first one is."""
    first: dict[str, FindingDocument] = {}
    for finding in report.findings:
        if finding.severity == "error":
            first.setdefault(finding.rule, finding)
    lines = []
    for rule, finding in sorted(first.items()):
        count = max(report.counts.get(rule, 1), 1)
        places = "1 place" if count == 1 else f"{count:,} places, the first"
        lines.append(f"{rule}: {finding.message} ({places}: {where(finding)})")
    return tuple(lines[:MOST_ERRORS])


def where(finding: FindingDocument) -> str:
    """Return the place as a trader reads it: file, row, line and column, as far as they are known."""
    text = finding.file
    if finding.row is not None:
        text += f", row {finding.row}" + (f" (line {finding.line})" if finding.line is not None else "")
    elif finding.line is not None:
        text += f", line {finding.line}"
    return text + (f", column '{finding.column}'" if finding.column else "")
