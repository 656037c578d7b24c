"""Checking code, snippets and SDK documentation over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..models.base import Page, PageQuery
from ..models.code import CodeToValidate, SdkDocumentation, SdkQuery, Snippet, Validation
from ..services.paging import Slice, page
from .base import AlphintraHandler, endpoint


class CodeValidateHandler(AlphintraHandler):
    """Checking code."""

    @endpoint("code:read", body=CodeToValidate, response=Validation)
    async def post(self, who: Caller, *, body: CodeToValidate) -> Validation:
        """Find syntax errors, undefined names and misuses of the SDK, without running the code."""
        found = await self.services.sources.validate(body.code)
        valid = all(item["severity"] != "error" for item in found)
        return Validation.model_validate({"valid": valid, "diagnostics": found})


class SdkDocumentationHandler(AlphintraHandler):
    """SDK documentation."""

    @endpoint("sdk:read", query=SdkQuery, response=SdkDocumentation, problems=(404,))
    async def get(self, who: Caller, *, query: SdkQuery) -> SdkDocumentation:
        """Read the SDK's public names, signatures and docstrings."""
        return await self.services.documentation.read(query.name, query.search)


class SnippetsHandler(AlphintraHandler):
    """Snippets."""

    @endpoint("snippets:read", query=PageQuery, response=Page[Snippet])
    async def get(self, who: Caller, *, query: PageQuery) -> Page[Snippet]:
        """List the snippets, your own last."""
        found = await self.services.snippets.all()
        part = found[query.offset : query.offset + query.limit]
        return page(Slice(part, len(found)), query, self.request.path)
