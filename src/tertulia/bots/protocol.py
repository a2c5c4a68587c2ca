"""What bots look like on the wire and in their files."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tertulia.bots.domain import (
    LONGEST_PERSONA,
    MASK,
    MOST_TOOLS,
    Bot,
    Exchange,
    HttpTool,
    Limits,
    Parameter,
    tool_rows,
)
from tertulia.bots.script.format import MOST_BYTES

Name = Annotated[str, Field(min_length=1, max_length=120)]
Chain = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=8)]


class ToolParameter(BaseModel):
    """Something a tool is given."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    description: Annotated[str, Field(max_length=1000)] = ""
    kind: Literal["string", "number", "boolean"] = "string"
    required: bool = True


class ToolDefinition(BaseModel):
    """A request the bot may make; `{name}` in the address is filled with a parameter, the rest go as query or JSON."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "find_order",
                "description": "Finds where an order is.",
                "url": "https://api.example.org/orders/{number}",
                "method": "GET",
                "parameters": [{"name": "number", "description": "The order's number."}],
                "headers": {"Authorization": MASK},
            }
        },
    )

    name: Annotated[str, Field(max_length=40)]
    description: Annotated[str, Field(max_length=2000)] = ""
    url: Annotated[str, Field(max_length=2000)]
    method: Literal["GET", "POST"] = "GET"
    parameters: Annotated[list[ToolParameter], Field(max_length=20)] = []
    headers: dict[str, str] = Field(
        default={},
        description="Sent along. A value is never shown again: it comes back as dots, and dots keep it.",
    )

    def tool(self) -> HttpTool:
        parameters = tuple(Parameter(**p.model_dump()) for p in self.parameters)
        return HttpTool(
            self.name, self.description, self.url, self.method, parameters, dict(self.headers)
        )


class LimitsBody(BaseModel):
    """Where a turn ends, whatever happens."""

    model_config = ConfigDict(extra="forbid")

    hear_seconds: float = Field(120.0, gt=0, le=3600, description="For hearing what was said.")
    think_seconds: float = Field(60.0, gt=0, le=600, description="For the whole reply.")
    speak_seconds: float = Field(60.0, gt=0, le=600, description="For one spoken sentence.")
    reply_characters: int = Field(4_000, ge=1, le=40_000, description="Longest reply.")
    tool_calls: int = Field(4, ge=0, le=20, description="Calls of tools in one turn.")
    history_turns: int = Field(10, ge=0, le=100, description="Earlier turns that are remembered.")


class BotDefinition(BaseModel):
    """A bot as it is written: in a request and in its file."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "Front desk",
                "persona": "You welcome guests of a small hotel. You are brief and kind.",
                "language": "en",
                "llm": ["ollama:llama3.2", "offline"],
                "may_search": False,
            }
        },
    )

    name: Name
    persona: Annotated[str, Field(max_length=LONGEST_PERSONA)] = Field(
        "", description="Who the bot is and how it speaks: the instructions of the language model."
    )
    language: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="The language it hears and speaks; found out without it."
    )
    voice: Annotated[str, Field(max_length=200)] | None = None
    speed: float = Field(1.0, ge=0.25, le=4, description="1 is the voice's own pace.")
    stt: Chain = Field(default=[], description="Recognisers in order; the server's own without it.")
    llm: Chain = Field(
        default=[],
        description="Models in order, as `engine:model`; `offline` is the script. The server's own without it.",
    )
    tts: Chain = Field(
        default=[], description="Voice engines in order; the server's own without it."
    )
    greeting: Annotated[str, Field(max_length=2000)] = Field(
        "", description="What it says first; the script's greeting without it."
    )
    script: str = Field(
        "", max_length=MOST_BYTES, description="What it answers where no model does, as TOML."
    )
    tools: Annotated[list[ToolDefinition], Field(max_length=MOST_TOOLS)] = []
    allowed_hosts: Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=50)] = (
        Field(default=[], description="Hosts its tools may ask, as in `*.example.org`.")
    )
    may_search: bool = Field(
        False, description="Whether it may search conversations: always with the caller's rights."
    )
    limits: LimitsBody = LimitsBody()

    @field_validator("language")
    @classmethod
    def _no_language_for_auto(cls, value: str | None) -> str | None:
        return None if value is None or value.strip().lower() in ("", "auto") else value.strip()

    def bot(self, id_: UUID, space_id: UUID | None) -> Bot:
        return Bot(
            id=id_,
            space_id=space_id,
            name=self.name,
            persona=self.persona,
            language=self.language,
            voice=self.voice,
            speed=self.speed,
            stt=tuple(self.stt),
            llm=tuple(self.llm),
            tts=tuple(self.tts),
            greeting=self.greeting,
            script=self.script,
            tools=tuple(tool.tool() for tool in self.tools),
            allowed_hosts=tuple(self.allowed_hosts),
            may_search=self.may_search,
            limits=Limits(**self.limits.model_dump()),
        )

    @classmethod
    def fields_of(cls, bot: Bot, *, masked: bool = True) -> dict[str, Any]:
        """The bot's own fields; headers without their values unless asked for."""
        rows = tool_rows(bot.tools)
        for row in rows:
            row["headers"] = dict.fromkeys(row["headers"], MASK if masked else "")
        return {
            "name": bot.name,
            "persona": bot.persona,
            "language": bot.language,
            "voice": bot.voice,
            "speed": bot.speed,
            "stt": list(bot.stt),
            "llm": list(bot.llm),
            "tts": list(bot.tts),
            "greeting": bot.greeting,
            "script": bot.script,
            "tools": rows,
            "allowed_hosts": list(bot.allowed_hosts),
            "may_search": bot.may_search,
            "limits": {name: getattr(bot.limits, name) for name in LimitsBody.model_fields},
        }


class BotCreate(BotDefinition):
    """A new bot."""

    space_id: UUID | None = Field(None, description="The caller's active space without it.")


class BotUpdate(BotDefinition):
    """A bot as it shall be from now on, whole."""

    version: int | None = Field(
        None, description="The version this change was made to; refused when there is a later one."
    )


class BotOut(BotDefinition):
    """A bot."""

    id: UUID
    space_id: UUID | None = Field(description="Null of a bot that comes with the server.")
    is_shipped: bool
    thinks_with: str = Field(
        description="What answers just now: `offline` is the script, else the chain of models."
    )
    hears_with: str | None = Field(description="The recognisers that hear for it just now.")
    cannot_hear: str | None = Field(
        description="Why it hears nothing here, as where its language has no model; it still reads."
    )
    cannot_call: str | None = Field(
        description="Why a tool cannot be called here: its secrets were sealed with a key that is not here."
    )
    says_first: str = Field(description="What it says before anybody has spoken.")
    version: int
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def of(cls, bot: Bot, **known: str | None) -> Self:
        return cls(
            **cls.fields_of(bot),
            id=bot.id,
            space_id=bot.space_id,
            is_shipped=bot.is_shipped,
            version=bot.version,
            created_at=bot.created_at,
            updated_at=bot.updated_at,
            **known,
        )


class BotList(BaseModel):
    """The bots one may talk to: those of the space by name, then those that come with the server."""

    items: list[BotOut]


class ExchangeBody(BaseModel):
    """An earlier turn."""

    said: Annotated[str, Field(max_length=20_000)]
    replied: Annotated[str, Field(max_length=40_000)]

    def exchange(self) -> Exchange:
        return Exchange(self.said, self.replied)


class TrialBody(BaseModel):
    """One turn of a bot that need not be saved; nothing of it is kept."""

    bot: BotDefinition
    said: Annotated[str, Field(max_length=20_000)] = Field(
        description="What a person says; empty for the greeting."
    )
    bot_id: UUID | None = Field(
        None,
        description="The saved bot this is a change of: headers that are dots keep its values.",
    )
    state: dict[str, Any] | None = Field(None, description="`state` of the answer before.")
    history: Annotated[list[ExchangeBody], Field(max_length=100)] = []
    space_id: UUID | None = None


class TrialOut(BaseModel):
    """What the bot answers, and what made it answer so."""

    reply: str
    state: dict[str, Any]
    provider: str = Field(description="What answered: `offline` is the script.")
    intent: str | None = Field(description="The intent of the script that was meant.")
    form: str | None = Field(description="The form that is complete with this answer.")
    values: Mapping[str, str]
    tools: list[str] = Field(description="The tools that were called, in order.")
    ends: bool
    llm_ms: int
