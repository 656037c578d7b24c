"""An identity provider that knows two users by their tokens, as one of a platform knows them by theirs."""

from __future__ import annotations

import json

from alphintra_server.auth import RoleUser
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler

#: Token → user; both may upload, share and run.
USERS = {"token-of-alice": "alice", "token-of-bob": "bob"}


class TwoUsers(IdentityProvider):
    """Lets in who has a token of :data:`USERS`; a cookie says afterwards who it was."""

    async def get_user_token(self, handler: JupyterHandler) -> User | None:
        """Tell whose token a request has."""
        name = USERS.get(self.get_token(handler) or "")
        return None if name is None else _user(name)

    def user_from_cookie(self, cookie_value: str) -> User | None:
        """Tell whom a cookie names: it is signed."""
        return _user(json.loads(cookie_value)["username"])


def _user(name: str) -> RoleUser:
    return RoleUser(name, roles=("researcher",))
