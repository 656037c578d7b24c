"""The committed datasets are what the script builds from its sources."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from alphintra.data.catalogue import ROOT

SCRIPT = Path(__file__).parents[3] / "scripts" / "build_datasets.py"


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    target = tmp_path_factory.mktemp("datasets")
    done = subprocess.run([sys.executable, SCRIPT, target], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return target


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_same_files_are_written(rebuilt):
    committed = files(ROOT)
    assert files(rebuilt) == committed
    # bars and manifests, manifests of what is simulated, events, calendar, licence texts
    assert len(committed) == 6 * 2 + 3 + 1 + 2 + 4


def test_manifests_and_hashes_are_equal(rebuilt):
    for path in sorted(ROOT.glob("*/*.json")):
        old = json.loads(path.read_text())
        new = json.loads((rebuilt / path.relative_to(ROOT)).read_text())
        assert new["content_hash"] == old["content_hash"], path
        same_writer = new.get("written_by") == old.get("written_by")
        for part in ("file", "files", "written_by"):
            left, right = old.pop(part, None), new.pop(part, None)
            assert not same_writer or left == right, path
        assert new == old, path


def test_licence_texts_are_those_of_the_packages(rebuilt):
    for path in (ROOT / "licenses").iterdir():
        assert (rebuilt / "licenses" / path.name).read_text() == path.read_text()
