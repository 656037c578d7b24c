"""Prometheus tells why jobs failed: each reason that our own code gives has a name there, and no other has one."""

import re
from pathlib import Path

import alphintra.recipes
from alphintra.ingest.findings import SEVERITIES
from alphintra_server.jobs import ingest, stored_versions

from alphintra_kernel import ingest_job

_CODE = re.compile(r'code="([A-Z_]+)"|JobError\(\s+f?"[^\n]*\n\s+"([A-Z_]+)"')
OF_FRAMES = {"BAD_DATA_TYPE"}
"""No job meets it: what it reads are versions."""


def codes(*files):
    return {one or other for file in files for one, other in _CODE.findall(Path(file).read_text())}


def test_each_reason_of_a_recipe_is_counted_by_its_name():
    found = codes(*Path(alphintra.recipes.__file__).parent.glob("*.py"))
    assert {"NO_KNOWLEDGE", "NOT_RAW"} < found
    assert found - OF_FRAMES <= stored_versions._REASONS


def test_each_reason_of_an_import_is_counted_by_its_name():
    found = codes(*Path(alphintra.ingest.__file__).parent.glob("*.py"), ingest_job.__file__)
    assert {"MAPPING_MISMATCH", "OVERLAP_CONFLICT"} < found
    assert found <= ingest._REASONS | ingest._NOT_THE_FILE | set(SEVERITIES)
