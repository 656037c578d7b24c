"""Recipes run and tried as jobs, versions compared, and going back to one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from .base import Body, Reply
from .datasets import MOST_TAGS, Tag
from .jobs import JobError, JobStatus
from .validations import ValidationRequest

MOST_STEPS = 50
MOST_PLACES = 1_000
Symbol = Annotated[str, Field(min_length=1, max_length=128)]


def _steps(value: Any) -> Any:
    if not isinstance(value, list | dict):
        raise ValueError("a list of steps, or a version's recipe")
    return value


Given = Annotated[
    Any,
    AfterValidator(_steps),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "minItems": 1, "maxItems": MOST_STEPS, "items": {"type": "object"}},
                {"type": "object"},
            ],
            "description": "The steps; or a version's `recipe` as it is, whose steps are not fitted again.",
        }
    ),
]


class _OfARecipe(Body):
    recipe: Given
    version: int | None = Field(None, ge=1, lt=2**31, description="Of which version; left out, of the current one.")


class ProcessRequest(_OfARecipe):
    """A recipe, and what becomes of what it makes."""

    dataset: str | None = Field(
        None, max_length=200, description="Name of a dataset of yours; left out, the next version of the same."
    )
    symbols: list[Symbol] | None = Field(
        None, min_length=1, max_length=10_000, description="Which of the symbols; left out, all."
    )
    rules: ValidationRequest = ValidationRequest()
    description: str = Field("", max_length=5_000, description="Of a dataset that is new.")
    tags: list[Tag] = Field(default_factory=list, max_length=MOST_TAGS, description="Of a dataset that is new.")


class ProcessSubmission(ProcessRequest):
    """A recipe that a notebook hands over."""

    source: str = Field(min_length=1, max_length=200, description="Name or id of the dataset that is processed.")


class RecipePreviewRequest(_OfARecipe):
    """A recipe, and what it is tried on."""

    symbols: list[Symbol] | None = Field(
        None, min_length=1, max_length=10, description="Left out, the first three."
    )
    start: str | None = Field(None, max_length=40, description="First time: a date or an instant.")
    end: str | None = Field(None, max_length=40, description="Last time, included.")
    rows: int = Field(1_000, ge=1, le=10_000, description="Most rows of each symbol that it is tried on.")
    shown: int = Field(50, ge=1, le=200, description="How many rows before and after are told.")


class RecipeAccepted(Reply):
    """A job was queued."""

    job_id: str
    status: str
    dataset_id: str = Field(description="The dataset that is processed.")
    version: int
    dataset: str | None = Field(description="Name of the dataset that gets a version; null where none is made.")


class _Told(BaseModel):
    """What a worker tells, and the API tells on: nothing that is not named here, and nothing without a bound."""

    model_config = ConfigDict(extra="ignore")


Name = Annotated[str, Field(max_length=400)]
Text = Annotated[str, Field(max_length=4_000)]
Number = Annotated[int, Field(ge=0, lt=2**53)]
Cell = Annotated[str, Field(max_length=4_000)] | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None


class Difference(_Told):
    """A row or a cell that is another one than before."""

    symbol: Name
    time: Name
    column: Name | None = Field(description="Null where a whole row is new, or gone.")
    old: Cell
    new: Cell
    change: Literal["added", "removed", "changed"]


class StepEffect(_Told):
    """What a step changed, counted."""

    step: int = Field(ge=1, le=MOST_STEPS)
    kind: Name
    rows_in: Number
    rows_out: Number
    rows_added: Number
    rows_removed: Number
    cells_changed: dict[Name, Number] = Field(max_length=2_000)
    columns_added: list[Name] = Field(max_length=2_000)
    columns_removed: list[Name] = Field(max_length=2_000)
    notes: list[Text] = Field(max_length=20)


class StepEffectWithPlaces(StepEffect):
    """What a step changed, with the first places."""

    places: list[Difference] = Field(max_length=20)


class StepLeak(_Told):
    """A step that told of rows which were not known yet."""

    step: int = Field(ge=1, le=MOST_STEPS)
    kind: Name
    symbol: Name
    until: Name = Field(description="Rows known after this were changed.")
    time: Name | None
    column: Name | None


class StepColumn(_Told):
    """A column after the recipe."""

    name: Name
    type: Name
    role: Name | None
    unit: Name | None


class SampleRows(_Told):
    """Rows, times as text, what is missing as null."""

    columns: list[Name] = Field(max_length=2_001)
    rows: list[list[Cell]] = Field(max_length=200)


class RefusedRecipe(_Told):
    """What is wrong with a recipe, and what to write instead."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,59}$")
    message: Text
    where: Text | None
    hint: Text | None
    step: int | None = Field(None, ge=1, le=999, description="Number of the step, from 1.")


class RecipePreview(_Told):
    """What a recipe does to a sample; or why it cannot be."""

    refused: RefusedRecipe | None
    before: SampleRows | None = None
    after: SampleRows | None = None
    columns: list[StepColumn] = Field(default_factory=list, max_length=2_000)
    about: dict[Name, Name | bool | None] = Field(
        default_factory=dict, max_length=20, description="What is stated of the values after it."
    )
    effects: list[StepEffectWithPlaces] = Field(default_factory=list, max_length=MOST_STEPS)
    leaks: list[StepLeak] = Field(default_factory=list, max_length=1_000)
    tried: Number = Field(0, description="At how many instants it was tried whether a step looks ahead.")


class JobAtWork(Reply):
    """A job, and how far it has come."""

    job_id: str
    status: JobStatus
    error: JobError | None


class RecipePreviewResult(JobAtWork):
    """What came of a preview."""

    preview: RecipePreview | None = Field(description="Null until the job is completed.")


class Processed(JobAtWork):
    """What came of a recipe that was run."""

    dataset: str = Field(description="Name of the dataset that gets the version.")
    dataset_id: str | None = Field(description="Null until the version is there.")
    number: int | None
    version_id: str | None
    reference: str | None = Field(description="What you load it by: `prices@3`; of another's dataset, by its id.")
    effects: list[StepEffect]


class CompareQuery(Body):
    """Which two versions."""

    from_: int = Field(ge=1, lt=2**31, alias="from")
    to: int = Field(ge=1, lt=2**31)


class CompareBody(CompareQuery):
    """Which two versions are compared cell by cell."""


class RowsDiffer(Reply):
    """A symbol of which one version has more rows than the other."""

    symbol: str
    rows_from: int
    rows_to: int


class VersionDifferences(Reply):
    """How two versions differ, as far as is known without reading rows."""

    dataset_id: str
    from_: int = Field(serialization_alias="from")
    to: int
    equal: bool = Field(description="Whether they hold the same.")
    comparable: bool = Field(description="Whether their times are the same column, so that rows can be compared.")
    rows_from: int
    rows_to: int
    columns_added: list[str]
    columns_removed: list[str]
    symbols_added: list[str] = Field(description="The first 100.")
    symbols_removed: list[str] = Field(description="The first 100.")
    symbols_added_count: int
    symbols_removed_count: int
    rows_differ: list[RowsDiffer] = Field(description="The first 100 symbols of both with another number of rows.")
    rows_differ_count: int


class CompareAccepted(Reply):
    """A job was queued."""

    job_id: str
    status: str
    dataset_id: str
    from_: int = Field(serialization_alias="from")
    to: int


class CellComparison(_Told):
    """How two versions differ cell by cell."""

    equal: bool
    columns_added: list[Name] = Field(max_length=2_001)
    columns_removed: list[Name] = Field(max_length=2_001)
    symbols_added: list[Name] = Field(max_length=1_000, description="The first 1,000.")
    symbols_removed: list[Name] = Field(max_length=1_000, description="The first 1,000.")
    symbols_added_count: Number
    symbols_removed_count: Number
    rows_added: Number
    rows_removed: Number
    cells_changed: dict[Name, Number] = Field(max_length=2_001)
    rows_read: Number = Field(description="Rows of both that had to be read: blocks with equal hashes are equal.")
    places: list[Difference] = Field(max_length=MOST_PLACES, description="The first 1,000 differences.")


class CompareResult(JobAtWork):
    """What came of a comparison."""

    from_: int = Field(serialization_alias="from")
    to: int
    comparison: CellComparison | None = Field(description="Null until the job is completed.")


class RestoreRequest(Body):
    """Going back to a version."""

    current: int | None = Field(
        None,
        ge=1,
        lt=2**31,
        description="Number of the version that you saw as the current one: nothing is done if it is not.",
    )
