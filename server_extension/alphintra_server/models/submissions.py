"""Work that a notebook hands over: source text and how to run it."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from .backtests import BacktestResult
from .base import Reply
from .strategies import ClassName, Code, RunSettings, StrategyExecute, one_line

MAX_MODULES = 64
MAX_ALL_MODULES = 4 << 20
_PART = re.compile(r"[^\W\d]\w*")


def _modules(value: dict[str, str]) -> dict[str, str]:
    for path in value:
        if len(path) > 255 or not path.endswith(".py"):
            raise ValueError(f"{path[:80]!r} is not the path of a module, such as folder/module.py")
        if not all(_PART.fullmatch(part) for part in path.removesuffix(".py").split("/")):
            raise ValueError(f"{path[:80]!r} has a part that cannot be imported")
    if sum(len(text) for text in value.values()) > MAX_ALL_MODULES:
        raise ValueError(f"at most {MAX_ALL_MODULES >> 20} MiB of modules")
    return value


def _a_file(value: str) -> str:
    path = posixpath.normpath(value).lstrip("/")
    if path in {"", "."} or path.split("/")[0] == "..":
        raise ValueError("must name a file")
    return value


class Submission(RunSettings):
    """Source of a strategy and how to run it; what is absent takes the server's defaults."""

    code: Code
    class_name: ClassName
    modules: Annotated[dict[str, Code], Field(max_length=MAX_MODULES), AfterValidator(_modules)] = Field(
        default_factory=dict, description="Modules that the code imports, by path beside it."
    )
    source_path: Annotated[str, Field(max_length=1024), AfterValidator(one_line), AfterValidator(_a_file)] = Field(
        description="File or notebook that it comes from: with the class it says which strategy this is."
    )
    dataset_id: str | None = Field(
        None, min_length=1, max_length=400, description="Id or name, `name/SYMBOL` for one symbol."
    )

    def settings(self) -> StrategyExecute:
        """The part of it that says how to run."""
        given = {name: getattr(self, name) for name in StrategyExecute.model_fields if name in self.model_fields_set}
        # What was checked needs no second check, and a method cannot be told from another without its methodology.
        return StrategyExecute.model_construct(**given)


class Submitted(Reply):
    """What became of it: a stored version and a queued job."""

    job_id: str
    backtest_id: str
    strategy_id: str
    strategy_version: int
    name: str = Field(description="What the list of jobs calls it.")
    new_version: bool = Field(description="Whether this source was not the strategy's newest already.")
    status: str


class Identity(Reply):
    """Who is behind a door."""

    user_id: str
    tenant: str
    subject: str
    scopes: list[str]



class ResultsOfJob(Reply):
    """The figures of a finished job, with what draws them."""

    job_id: str
    backtest_id: str
    name: str
    report: str = Field(description="Address of the report, from the server's own address on.")
    results: BacktestResult
