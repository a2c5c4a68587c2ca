"""The API's reference as a plain page: no script, nothing fetched from elsewhere."""

import html
import json
from typing import Any

from fastapi import APIRouter, FastAPI, Response

STYLE = """
:root { color-scheme: light dark; --paper: #FBF9F5; --ink: #1E1B18; --quiet: #6B635A; --line: #E4DDD2; --accent: #A8481F }
@media (prefers-color-scheme: dark) {
  :root { --paper: #171513; --ink: #EFEAE2; --quiet: #A79E92; --line: #3A352F; --accent: #E08A5B }
}
body { background: var(--paper); color: var(--ink); font: 16px/1.6 "Source Sans 3", system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 2rem 1rem }
h1, h2 { font-weight: 600 } a { color: var(--accent) } small, .quiet { color: var(--quiet) }
section { border-top: 1px solid var(--line); padding: 1rem 0 } section h3 { font: 600 1rem/1.4 ui-monospace, monospace; margin: 0; overflow-wrap: anywhere }
section h3 b { color: var(--accent); display: inline-block; min-width: 4.5rem } p { margin: .3rem 0 }
pre { background: color-mix(in srgb, var(--ink) 5%, transparent); border-radius: 10px; overflow: auto; padding: .8rem }
table { border-collapse: collapse; width: 100% } td { border-top: 1px solid var(--line); padding: .2rem .6rem .2rem 0; vertical-align: top }
"""


def router(api: FastAPI) -> APIRouter:
    """Serves `/api/docs` and its style."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/api/docs")
    async def docs() -> Response:
        return Response(render(api.openapi()), media_type="text/html")

    @routes.get("/api/docs.css")
    async def style() -> Response:
        return Response(STYLE, media_type="text/css")

    return routes


def render(document: dict[str, Any]) -> str:
    """One page: every address by its part of the product."""
    schemas = document.get("components", {}).get("schemas", {})
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(_operation(path, method, operation, schemas))
    body = "".join(
        f'<h2 id="{_e(tag)}">{_e(tag)}</h2>{"".join(parts)}' for tag, parts in groups.items()
    )
    links = " · ".join(f'<a href="#{_e(tag)}">{_e(tag)}</a>' for tag in groups)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<title>Tertulia API</title><link rel="stylesheet" href="/api/docs.css"></head><body><main>'
        f"<h1>Tertulia API</h1><p class=quiet>Version {_e(document['info']['version'])}. Errors are RFC 9457 problem documents "
        'with a stable <code>code</code>. For programs: <a href="/api/openapi.json">openapi.json</a>.</p>'
        f"<nav>{links}</nav>{body}</main></body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{_e(p['name'])}</code><td><small>{_e(p['in'])}</small><td>{_e(p.get('description', ''))}"
        for p in operation.get("parameters", ())
    )
    sent = _example(operation.get("requestBody", {}).get("content", {}), schemas)
    answered = next(
        (
            f"<small>{code}</small>{_example(r.get('content', {}), schemas)}"
            for code, r in operation.get("responses", {}).items()
            if code.startswith("2")
        ),
        "",
    )
    return (
        f"<section><h3><b>{_e(method.upper())}</b>{_e(path)}</h3><p>{_e(operation.get('summary', ''))}</p>"
        f"<p class=quiet>{_e(operation.get('description', ''))}</p>"
        + (f"<table>{parameters}</table>" if parameters else "")
        + sent
        + answered
        + "</section>"
    )


def _example(content: dict[str, Any], schemas: dict[str, Any]) -> str:
    for media in content.values():
        value = _sample(media.get("schema", {}), schemas, 0)
        if value is not None:
            return f"<pre>{_e(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"
    return ""


def _sample(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    """A value such a schema allows, from its examples where there are any."""
    if "$ref" in schema and depth < 6:
        return _sample(schemas.get(schema["$ref"].rsplit("/", 1)[-1], {}), schemas, depth + 1)
    if schema.get("examples"):
        return schema["examples"][0]
    if choices := schema.get("anyOf", schema.get("allOf")):
        return _sample(choices[0], schemas, depth + 1)
    if schema.get("type") == "object" or "properties" in schema:
        return {k: _sample(v, schemas, depth + 1) for k, v in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_sample(schema.get("items", {}), schemas, depth + 1)]
    return (
        schema["enum"][0]
        if "enum" in schema
        else {"string": "…", "integer": 0, "number": 0.0, "boolean": True}.get(
            schema.get("type", "")
        )
    )


def _e(text: str) -> str:
    return html.escape(str(text))
