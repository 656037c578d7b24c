"""Checking code, snippets, SDK documentation and the system page."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from .base import Body, Diagnostic, Reply
from .strategies import Code, _python_only


class CodeToValidate(Body):
    """Code to check without running it."""

    code: Code
    language: Annotated[str, AfterValidator(_python_only)] = "python"


class Validation(Reply):
    """What was found; ``valid`` is true if no finding is an error."""

    valid: bool
    diagnostics: list[Diagnostic]


class Snippet(Reply):
    """A piece of code to insert."""

    id: str
    title: str
    description: str
    prefix: str
    code: str
    source: str = Field(description="builtin, or user for those in workspace/snippets")


class SdkEntry(Reply):
    """One public name of the SDK."""

    name: str
    kind: str
    signature: str
    summary: str
    doc: str


class SdkQuery(Body):
    """What to look up."""

    name: str | None = Field(None, max_length=200, description="One name, such as Strategy.buy.")
    search: str | None = Field(None, max_length=200)


class SdkDocumentation(Reply):
    """The SDK's public names with their docstrings."""

    version: str
    items: list[SdkEntry]


class System(Reply):
    """What this server is and how it guards what it runs."""

    versions: dict[str, str]
    sandbox: dict[str, Any]
    owner: str
    roles: list[str]
    scopes: list[str]
    single_user: bool = Field(description="Whether there is the one owner alone, and nobody to share with.")
    data_dir: str | None
    workspace: dict[str, Any]
    limits: dict[str, Any]
    defaults: dict[str, Any]
    jobs: dict[str, int] = Field(description="How many of your jobs are `running` and `queued`.")
