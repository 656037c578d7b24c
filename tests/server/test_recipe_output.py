"""What a worker leaves of jobs on stored versions, and what of it the server believes: only what was asked for."""

import json
from dataclasses import replace

import pytest
from alphintra.store.sealed import VersionKeys
from alphintra_server.jobs.output import BadOutputError
from alphintra_server.jobs.protocol import OutputFile
from alphintra_server.jobs.recipe_output import Expected, collect_comparison, collect_preview, collect_processed

from alphintra_kernel import ingest_job
from tests.sdk.store.key_folder import KeyFolder

from ..sdk.store.made import ABOUT, bars, write

SORT = [{"kind": "sort", "columns": []}]


class Silent:
    def phase(self, *_):
        pass

    def study(self, *_):
        pass


@pytest.fixture(scope="module")
def do(tmp_path_factory):
    """Do a job in this process; its folder and its answer."""
    root = tmp_path_factory.mktemp("job")
    for name, rows in (("parent", 50), ("other", 52)):
        (root / "in" / name).mkdir(parents=True)
        write(root / "in" / name, {"A": bars(52).slice(0, rows)}, name, about=replace(ABOUT, simulated=True))

    def run(kind, **job):
        for file in (root / "out").glob("*"):
            file.unlink()
        (root / "out").mkdir(exist_ok=True)
        return root / "out", ingest_job.run({"kind": kind, **job}, root, Silent())

    return run


def announced(answer):
    assert answer["type"] == "result", answer
    return [OutputFile(**item) for item in answer["files"]]


def test_a_version_is_of_what_was_asked_for_and_nothing_else(do):
    folder, answer = do("process", recipe={"steps": SORT}, version="v1", symbols=None, rules=None)
    files = announced(answer)
    right = Expected("v1", ("parent",), SORT, [], simulated=True)
    found = collect_processed(folder, files, expected=right)
    assert (found.manifest.rows, found.report.rows, found.manifest.about.simulated) == (50, 50, True)
    assert found.files == tuple(sorted(path.name for path in folder.glob("*.parquet")))
    for wrong, said in (
        (replace(right, version="v2"), "the manifest is of version v1"),
        (replace(right, parents=("parent", "vix")), "made of something else"),
        (replace(right, steps=[*SORT, *SORT]), "recipe: steps"),
        (replace(right, inputs=[{"dataset": "vix@1", "content_hash": "sha256:1"}]), "recipe: inputs"),
    ):
        with pytest.raises(BadOutputError, match=said):
            collect_processed(folder, files, expected=wrong)
    # A worker that was taken over writes what it likes.
    for change, said in (
        (lambda all_: all_["provenance"].update(sources=[{"name": "x"}]), "made of something else"),
        (lambda all_: all_["provenance"].update(recipe=None), "made of something else"),
        (lambda all_: all_["provenance"]["recipe"].update(effects=[]), "one for each step"),
        (lambda all_: all_["provenance"]["recipe"].update(more=[]), "nothing else"),
        (lambda all_: all_["provenance"]["recipe"]["effects"][0].update(rows_in=-1), "effects"),
        (lambda all_: all_["provenance"]["report"].update(rows=7), "other rows were checked"),
        (lambda all_: all_["provenance"].update(report=None), "report"),
        (lambda all_: all_["about"].update(simulated=False), "prices were simulated"),
    ):
        all_ = json.loads((folder / "manifest.json").read_text())
        change(all_)
        raw = (folder / "manifest.json").read_bytes()
        (folder / "manifest.json").write_text(json.dumps(all_, sort_keys=True, separators=(",", ":")))
        changed = [OutputFile(**ingest_job.described(folder / "manifest.json"))]
        with pytest.raises(BadOutputError, match=said):
            collect_processed(folder, changed, expected=right)
        (folder / "manifest.json").write_bytes(raw)


def test_a_sealed_version_is_sealed_with_the_keys_that_the_job_was_given_and_tells_nothing(do, tmp_path):
    keys = VersionKeys.made(KeyFolder(tmp_path), "v1")
    scale = [{"kind": "normalise", "columns": ["close"], "fit_until": "2020-01-01 00:40"}]
    job = {"recipe": {"steps": scale}, "version": "v1", "symbols": None, "rules": None}
    folder, answer = do("process", **job, seal=keys.to_json())
    assert answer["type"] == "result", answer
    steps = json.loads((folder / "manifest.json").read_text())["provenance"]["recipe"]["steps"]
    right = Expected("v1", ("parent",), steps, [], simulated=True)
    found = collect_processed(folder, announced(answer), expected=right, keys=keys)
    assert (found.manifest.sealed, found.manifest.provenance.recipe["fitted"]) == (True, {})
    with pytest.raises(BadOutputError, match="is sealed, and should not be"):
        collect_processed(folder, announced(answer), expected=right)
    all_ = json.loads((folder / "manifest.json").read_text())
    all_["provenance"]["recipe"]["fitted"] = {"1": {"A": {"close": [99.5, 1.0]}}}
    (folder / "manifest.json").write_text(json.dumps(all_, sort_keys=True, separators=(",", ":")))
    changed = [OutputFile(**ingest_job.described(folder / "manifest.json"))]
    with pytest.raises(BadOutputError, match="fitted"):
        collect_processed(folder, changed, expected=right, keys=keys)
    folder, answer = do("process", **job)
    assert json.loads((folder / "manifest.json").read_text())["provenance"]["recipe"]["fitted"]
    with pytest.raises(BadOutputError, match="is open, and should not be"):
        collect_processed(folder, announced(answer), expected=right, keys=keys)


def test_what_is_wrong_with_a_recipe_names_its_step(do):
    steps = [*SORT, {"kind": "derive", "name": "x", "formula": "clos + 1"}]
    sample = {"symbols": None, "start": None, "end": None, "rows": 20}
    folder, answer = do("preview", recipe=steps, sample=sample, shown=3)
    found = collect_preview(folder, announced(answer))
    assert (found.refused.step, found.refused.code, found.before, found.effects) == (2, "UNKNOWN_COLUMN", None, [])
    assert "close" in found.refused.hint
    _, answer = do("process", recipe=steps, version="v1", symbols=None, rules=None)
    assert (answer["type"], answer["code"], answer["step"]) == ("error", "UNKNOWN_COLUMN", 2)
    _, answer = do("process", recipe={"steps": [{"kind": "join", "dataset": "vix@1"}]}, version="v", symbols=None)
    assert (answer["code"], answer["step"]) == ("UNKNOWN_DATASET", 1)
    folder, answer = do("preview", recipe=SORT, sample=sample | {"rows": 10}, shown=3)
    found = collect_preview(folder, announced(answer))
    assert (found.refused, len(found.before.rows), len(found.after.rows), found.effects[0].rows_in) == (None, 3, 3, 10)
    (folder / "preview.json").write_text(json.dumps({"refused": None, "effects": [{"step": 1}]}))
    with pytest.raises(BadOutputError, match="effects"):
        collect_preview(folder, [OutputFile(**ingest_job.described(folder / "preview.json"))])


def test_a_comparison_is_bounded(do):
    folder, answer = do("compare")
    found = collect_comparison(folder, announced(answer))
    assert (found.equal, found.rows_added, found.cells_changed, len(found.places)) == (False, 2, {}, 2)
    many = json.loads((folder / "comparison.json").read_text())
    many["places"] = many["places"] * 501
    (folder / "comparison.json").write_text(json.dumps(many))
    with pytest.raises(BadOutputError, match="places"):
        collect_comparison(folder, [OutputFile(**ingest_job.described(folder / "comparison.json"))])
