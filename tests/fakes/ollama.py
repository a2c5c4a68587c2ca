"""Ollama as its clients see it: OpenAI's protocol below `/v1`, no key, and JSON schemas that it holds to."""

from dataclasses import dataclass

from starlette.requests import Request
from tests.fakes.openai_chat import OpenAIChatServer


@dataclass
class OllamaServer(OpenAIChatServer):
    """Its address is given bare."""

    root: str = ""

    def authorised(self, request: Request) -> bool:
        return True
