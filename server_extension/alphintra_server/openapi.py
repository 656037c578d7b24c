"""The OpenAPI document: made from the routes, the models and the table of scopes."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .auth import ROLES, SCOPES
from .handlers.base import Endpoint
from .idempotency import HEADER
from .routes import PROBES, ROUTES

_REF = "#/components/schemas/{model}"
_MEANING = {
    400: "The request cannot be read.",
    403: "Not logged in, or not permitted.",
    404: "There is none, or it is not yours.",
    409: "Its state does not allow this.",
    410: "It is no longer kept.",
    412: "Changed meanwhile.",
    413: "Too large.",
    415: "Of another content type than this takes.",
    422: "The body or query breaks the schema or a rule; `errors` names each field.",
    423: "Another request is at it.",
    429: "The queue is full; see Retry-After.",
    460: "The bytes are not those that were sent.",
    503: "Not possible in this installation now; `detail` says why.",
    507: "The server's disk is full.",
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; some problems have further members.",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_IDEMPOTENCY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A name of your choice for this request. Asked again under it within 24 hours, the server answers "
    "as before and does nothing (`Idempotent-Replayed: true`). Another body under it is 422 IDEMPOTENCY_MISMATCH; "
    "while the first request is being done, 409 IDEMPOTENCY_IN_PROGRESS. Refused requests are not kept.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(base_url: str = "/") -> dict[str, Any]:
    """Build the document for a server at ``base_url``."""
    return {**_document(), "servers": [{"url": base_url.rstrip("/") or "/"}]}


@cache
def _document() -> dict[str, Any]:
    from alphintra._version import __version__

    inputs: set[type[BaseModel]] = set()
    outputs: set[Any] = set()
    for route in ROUTES:
        for described in route.endpoints.values():
            inputs.update(model for model in (described.body, described.query) if model is not None)
            if described.response is not None:
                outputs.add(described.response)
    wanted: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in _by_name(inputs)]
    wanted += [(model, "serialization") for model in _by_name(outputs)]
    references, definitions = models_json_schema(wanted, by_alias=True, ref_template=_REF)
    names = {key: value["$ref"] for key, value in references.items()}
    schemas = dict(definitions["$defs"])
    # A query is written as parameters, not as a schema of its own.
    queries = {described.query for route in ROUTES for described in route.endpoints.values()}
    parameters = {}
    for model in queries:
        if model is not None:
            name = names[(model, "validation")].rpartition("/")[2]
            parameters[model] = _query_parameters(schemas.pop(name))
    schemas["Problem"] = _PROBLEM
    paths: dict[str, Any] = {}
    for route in ROUTES:
        operations: dict[str, Any] = {}
        for verb, described in route.endpoints.items():
            operations[verb] = _operation(route.path, verb, described, names, parameters)
        paths[route.path] = operations
    for route in PROBES:
        text = (route.handler.__doc__ or "").partition(";")[0].strip(". ")
        paths[route.path] = {
            "get": {
                "operationId": f"get_{route.path.strip('/')}",
                "summary": text,
                "security": [],
                "responses": {"200": {"description": "Yes."}, "503": _problem(503)},
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Alphintra",
            "version": __version__,
            "description": "Strategies, datasets and backtests. Every problem is application/problem+json.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token …`, Jupyter's own, or a platform token.\n\n"
                    + "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in SCOPES.items()),
                    "x-roles": {role: sorted(scopes) for role, scopes in ROLES.items()},
                }
            },
        },
    }


def _by_name(models: set[Any]) -> list[Any]:
    return sorted(models, key=lambda model: str(model.__name__))


def _operation(
    path: str,
    verb: str,
    described: Endpoint,
    names: dict[Any, str],
    parameters: dict[type[BaseModel], list[dict[str, Any]]],
) -> dict[str, Any]:
    given = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1} if name == "number" else {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]
    if described.query is not None:
        given += parameters[described.query]
    good: dict[str, Any] = {"description": described.summary.partition(":")[0].rstrip(".") + "."}
    if described.response is not None:
        good["content"] = {
            described.media_type: {"schema": {"$ref": names[(described.response, "serialization")]}}
        }
    elif described.status != 204:
        good["content"] = {described.media_type: {}}
    headers = [
        name
        for name, given_here in (
            ("Location", described.location),
            ("ETag", described.etag),
            ("Idempotent-Replayed", described.idempotent),
        )
        if given_here
    ]
    headers += described.tells
    given += [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in described.reads.items()
    ]
    if headers:
        good["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    statuses = {403, 503, *described.problems}
    if described.idempotent:
        given.append(_IDEMPOTENCY)
        statuses |= {400, 409, 422}
    if described.body is not None:
        statuses |= {400, 413, 422}
    if described.query is not None:
        statuses.add(422)
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{verb} {path.removeprefix('/api/')}").strip("_"),
        "summary": described.summary,
        "tags": [described.scope.partition(":")[0]],
        "parameters": given,
        "responses": {str(described.status): good} | {str(code): _problem(code) for code in sorted(statuses)},
        "security": [{"token": [described.scope]}],
        "x-scope": described.scope,
    }
    if described.takes is not None:
        operation["requestBody"] = {
            "required": False,
            "content": {kind: {"schema": schema} for kind, schema in described.takes.items()},
        }
    if described.body is not None:
        reference = {"$ref": names[(described.body, "validation")]}
        required = any(field.is_required() for field in described.body.model_fields.values())
        operation["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": reference}},
        }
    return operation


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _MEANING[status],
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}},
    }


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    found = []
    for name, given in schema.get("properties", {}).items():
        described = dict(given)
        parameter = {"name": name, "in": "query", "required": name in required}
        if "description" in described:
            parameter["description"] = described.pop("description")
        described.pop("title", None)
        found.append(parameter | {"schema": described})
    return found
