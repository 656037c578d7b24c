"""Who is asking and what they may do: one table, read by handlers, OpenAPI and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_server.auth.identity import User

from .errors import Forbidden

if TYPE_CHECKING:
    from jupyter_server.base.handlers import JupyterHandler

LOCAL_OWNER = "local"
"""The one owner of a local installation: Jupyter's token names no stable user."""

SCOPES: Mapping[str, str] = {
    "strategies:read": "List and read your strategies and their versions.",
    "strategies:write": "Create, change, archive and restore your strategies.",
    "strategies:execute": "Run a strategy's stored code: as a backtest, or its checks, now and by themselves.",
    "templates:read": "Read the strategy templates.",
    "workspace:read": "Have source files of your workspace read.",
    "workspace:write": "Have files written into your workspace, such as a cloned template.",
    "datasets:read": "List, preview and summarise datasets.",
    "datasets:write": "Upload files and make datasets of them, change, share and delete your own.",
    "backtests:read": "Read your backtests, their results, trades and reports.",
    "backtests:write": "Create backtests.",
    "backtests:execute": "Run and cancel your backtests.",
    "jobs:read": "List your jobs of every kind, and read their logs.",
    "jobs:execute": "Stop your jobs.",
    "code:read": "Have code checked without running it.",
    "sdk:read": "Read the documentation of the SDK and of this API.",
    "snippets:read": "Read code snippets.",
    "system:read": "Read versions, limits and the sandbox level.",
    "events:read": "Follow the events of your jobs and checks.",
}
"""Every permission there is: ``resource:action``; the action is read, write or execute, as in Jupyter."""

_VIEWER = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
_TRADER = _VIEWER | {
    "strategies:write",
    "strategies:execute",
    "workspace:write",
    "backtests:write",
    "backtests:execute",
    "jobs:execute",
}

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": _VIEWER,
    "trader": _TRADER,
    # What sets a researcher apart beside uploads, training, comes with that part.
    "researcher": _TRADER | {"datasets:write"},
    "admin": frozenset(SCOPES),
}


@dataclass(frozen=True)
class Caller:
    """The user on whose behalf a service works."""

    user_id: str
    roles: tuple[str, ...]

    @property
    def scopes(self) -> frozenset[str]:
        """What the roles add up to; an unknown role adds nothing."""
        return frozenset().union(*(ROLES.get(role, frozenset()) for role in self.roles))

    def require(self, scope: str) -> None:
        """Raise unless this caller has ``scope``."""
        if scope not in self.scopes:
            raise Forbidden(f"This needs the permission {scope}.", extra={"scope": scope})


@dataclass
class RoleUser(User):
    """A user whose roles the identity provider knows (the platform's, and that of the tests)."""

    roles: tuple[str, ...] = ()


def caller(handler: JupyterHandler) -> Caller:
    """Tell who is asking.

    An identity provider that knows roles returns a ``RoleUser``. Jupyter's own invents a user name per
    browser and per request, so everybody it lets in is the local owner; where ``single_user`` is off,
    nobody is.
    """
    user = handler.current_user
    if isinstance(user, RoleUser):
        return Caller(user.username, tuple(user.roles))
    if user is not None and handler.settings["alphintra_single_user"]:
        return Caller(LOCAL_OWNER, ("admin",))
    raise Forbidden("This server does not know who you are.")
