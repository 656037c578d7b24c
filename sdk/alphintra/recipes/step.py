"""A step of a recipe: what every one of them has, and the list of all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from alphintra.errors import DataError, LookAheadError
from alphintra.recipes import parameters
from alphintra.recipes.rows import I64, Rows, Shape

if TYPE_CHECKING:
    from alphintra.store.reading import Version

Numbers = Mapping[str, list[float]]
"""What was fitted on a symbol: by column some numbers, NaN never among them."""


def no_datasets(name: str) -> Version:
    """Find no dataset by name: where a process was given none."""
    raise DataError(
        f"there are no datasets here, so '{name}' cannot be read", code="UNKNOWN_DATASET", where=name,
        hint="Set ALPHINTRA_DATASETS to a folder of datasets.",
    )  # fmt: skip


@dataclass
class Context:
    """What steps may use beside the rows.

    Attributes:
        open: Opens ``name@version``.
        opened: What was opened, by name.
        symbols: All symbols of the dataset, where they are known.
        quotes: Whether errors may quote values: of what is sealed they are not to be written down.
    """

    open: Callable[[str], Version] = no_datasets
    opened: dict[str, Version] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    quotes: bool = True

    def version(self, name: str) -> Version:
        """Return a version, opened once."""
        if name not in self.opened:
            self.opened[name] = self.open(name)
        return self.opened[name]


@dataclass(frozen=True)
class Outcome:
    """What a step made of the rows of a symbol.

    Attributes:
        arrays: Arrow arrays by column, in the shape that the step planned.
        origin: The row that each row was before, −1 for a new one; ``None``: each is what it was.
        note: What has to be known about it.
    """

    arrays: Mapping[str, Any]
    origin: I64 | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """One step.

    Attributes:
        kind: Its name in a recipe.
        refuses: What of it would look ahead, and what to do instead, for the docs.
        any_order: Whether it takes rows that are not sorted by time.
    """

    kind: ClassVar[str]
    refuses: ClassVar[str] = ""
    any_order: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check every parameter.

        Raises:
            ParameterError: Names the parameter, and the bound that it breaks.
            LookAheadError: It would look ahead.
        """
        for name, parameter in parameters.of(self).items():
            object.__setattr__(self, name, parameter.check(getattr(self, name), name))
        self.check()

    def check(self) -> None:  # noqa: B027 - most steps have nothing to check between parameters
        """Check what parameters say together."""

    @abstractmethod
    def plan(self, shape: Shape, context: Context) -> Shape:
        """Return the shape of the rows after the step; no row is read.

        Raises:
            DataError: The step does not fit the columns.
            LookAheadError: It would look ahead on such columns.
        """

    @abstractmethod
    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """Do it to the rows of a symbol.

        Args:
            rows: The rows, sorted by time unless ``any_order``.
            shape: What :meth:`plan` returned.
            context: What else may be used.
            fitted: What :meth:`fit` returned for the symbol.
        """

    @property
    def mixes_rows(self) -> bool:
        """Whether what a row becomes depends on rows before it."""
        return False

    @property
    def fit_end(self) -> str | None:
        """Date or instant until which the step is fitted, or ``None``."""
        return None

    def fit(self, rows: Rows) -> Numbers:
        """Return what is fitted on the training part of a symbol's rows."""
        return {}

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON: every parameter, defaults too."""
        plain = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        return {"kind": self.kind, **plain}


def schema_of(kind: type[Step]) -> dict[str, Any]:
    """Return the JSON Schema of a step: for a form, and for whoever writes recipes by other means."""
    properties: dict[str, Any] = {"kind": {"const": kind.kind}}
    needed = ["kind"]
    found = parameters.of(kind)
    for item in fields(kind):
        properties[item.name] = found[item.name].schema()
        if parameters.required(item):
            needed.append(item.name)
        elif item.default is not MISSING:
            properties[item.name]["default"] = _plain(item.default)
        else:
            properties[item.name]["default"] = {}
    return {
        "title": kind.kind,
        "description": summary(kind),
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


def summary(kind: type[Step]) -> str:
    """Return the first sentence of what a step is."""
    return (kind.__doc__ or "").strip().splitlines()[0]


def looks_ahead(what: str, hint: str) -> NoReturn:
    """Refuse what would look ahead."""
    raise LookAheadError(what, hint=hint)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
