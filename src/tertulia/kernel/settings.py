"""Every setting of the server, read from the environment, `.env` and `tertulia.toml`, in that order."""

import difflib
import os
import tomllib
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from tertulia.kernel.errors import StartError

PREFIX = "TERTULIA_"
SOURCE_NAMES = {"PG_HOST", "PG_PORT", "PG_DATABASE", "PG_USER", "PG_PASSWORD"}

NameList = Annotated[tuple[str, ...], NoDecode]
"""A tuple of words; the environment gives it separated by commas."""


def _source_name(name: str) -> AliasChoices:
    """The source document's variable (`PG_HOST`) beside our own (`TERTULIA_PG_HOST`)."""
    return AliasChoices(f"pg_{name}", f"PG_{name.upper()}", f"{PREFIX}PG_{name.upper()}")


PriceUnit = Literal["seconds", "tokens_in", "tokens_out", "characters"]
Price = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=12)]
PriceList = dict[str, dict[PriceUnit, Price]]
"""What engines cost for one unit, by engine or `engine:model`."""


def _default_data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "tertulia"


class Settings(BaseSettings):
    """Every field is a setting: `TERTULIA_` and its name in capitals, or its name in `tertulia.toml`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        toml_file="tertulia.toml",
        extra="forbid",
        populate_by_name=True,
        frozen=True,
        validate_default=True,
    )

    # Where
    data: Path = Field(
        default_factory=_default_data, description="The folder everything is kept in."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Seals the secrets that are kept (in bots' tools); several, the newest first, separated by commas, "
        "to change it. Without it the server makes one: `secret.key` in the data folder.",
    )
    host: str = Field("127.0.0.1", description="The address the server listens on.")
    port: int = Field(8765, ge=0, le=65535, description="The port; 0 takes a free one.")
    public_url: str | None = Field(
        None,
        description="The address people reach the server at, when a proxy stands in front of it.",
    )
    trusted_proxies: NameList = Field(
        (), description="Addresses whose X-Forwarded-* headers are believed, separated by commas."
    )

    # Database
    database_url: SecretStr | None = Field(
        None, description="A PostgreSQL 16+ to use instead of the embedded one: postgresql://…"
    )
    pg_host: str | None = Field(
        None,
        validation_alias=_source_name("host"),
        description="PostgreSQL host, when no URL is given.",
    )
    pg_port: int = Field(
        5432, validation_alias=_source_name("port"), ge=1, le=65535, description="PostgreSQL port."
    )
    pg_database: str = Field(
        "tertulia", validation_alias=_source_name("database"), description="PostgreSQL database."
    )
    pg_user: str = Field(
        "tertulia", validation_alias=_source_name("user"), description="PostgreSQL user."
    )
    pg_password: SecretStr | None = Field(
        None, validation_alias=_source_name("password"), description="PostgreSQL password."
    )
    database_pool: int = Field(16, ge=2, le=200, description="Connections each process may hold.")
    backups_kept: int = Field(5, ge=1, description="Dumps made before migrations that are kept.")

    # Other servers, each replaced by something embedded when not given
    redis_url: SecretStr | None = Field(
        None, description="Redis for events and rate limits across nodes: redis://…"
    )
    blobs: str = Field(
        "local",
        description="Where big files go: `local`, `s3://bucket/prefix` or `vercel`.",
    )
    s3_endpoint: str | None = Field(None, description="Address of an S3-compatible store.")
    s3_region: str = Field("us-east-1", description="Region of the S3 bucket.")
    s3_access_key: SecretStr | None = Field(None, description="Access key of the S3 bucket.")
    s3_secret_key: SecretStr | None = Field(None, description="Secret key of the S3 bucket.")
    vercel_blob_token: SecretStr | None = Field(
        None, description="Read-write token of Vercel Blob."
    )
    vercel_blob_url: str = Field(
        "https://vercel.com/api/blob", description="Address of the Vercel Blob API."
    )

    # People
    session_days: int = Field(30, ge=1, le=365, description="Days a sign-in lasts when unused.")
    invitation_days: int = Field(7, ge=1, le=90, description="Days an invitation link works.")
    password_min_length: int = Field(10, ge=8, le=128, description="Shortest password accepted.")
    oidc_issuer: str | None = Field(
        None, description="OpenID Connect provider; its discovery document is read from here."
    )
    oidc_client_id: str | None = Field(None, description="This server's client id at the provider.")
    oidc_client_secret: SecretStr | None = Field(None, description="Its secret at the provider.")
    oidc_name: str = Field("Single sign-on", description="What the sign-in button says.")
    oidc_create_users: bool = Field(
        False, description="Whether someone the provider knows and we do not gets an account."
    )
    oidc_trust_email: bool = Field(
        False,
        description="Whether an e-mail counts as verified when the provider says nothing about it, as Entra ID does. "
        "Only for a provider whose people cannot choose their e-mail.",
    )
    rate_limit: str = Field("600/minute", description="Requests one caller may make.")
    rate_limit_create: str = Field("60/minute", description="Costly creations one caller may make.")
    rate_limit_sign_in: str = Field("10/minute", description="Sign-in tries from one address.")

    # Limits
    max_body_bytes: int = Field(1_048_576, ge=1024, description="Largest ordinary request body.")
    max_upload_bytes: int = Field(2_147_483_648, ge=1024, description="Largest uploaded recording.")
    min_free_disk_bytes: int = Field(
        268_435_456, ge=0, description="Free space under which nothing new is accepted."
    )
    request_timeout_seconds: float = Field(
        60, gt=0, description="How long a slow client may take to send its request."
    )
    shutdown_seconds: float = Field(
        20, ge=1, description="How long work under way is waited for when the server stops."
    )

    # Jobs and webhooks
    worker_inside: bool = Field(
        True, description="Whether the server runs jobs itself, without `tertulia worker`."
    )
    worker_concurrency: int = Field(4, ge=1, le=64, description="Jobs one process runs at a time.")
    webhook_allowed_networks: NameList = Field(
        (),
        description="Internal networks (CIDR) that webhooks may reach in spite of the guard.",
    )
    webhook_timeout_seconds: float = Field(15, gt=0, description="How long a delivery may take.")
    webhook_keep_days: int = Field(
        30, ge=4, le=365, description="Days the ledger of deliveries is kept."
    )

    # Speech
    stt: NameList = Field(
        ("auto",), description="Recogniser, or a chain tried in order: gladia,whisper,pocketsphinx."
    )
    tts: NameList = Field(("auto",), description="Voice engine, or a chain tried in order.")
    models: Path | None = Field(None, description="Folder of models; `models` in the data folder.")
    whisper_model: str = Field(
        "small", description="Whisper model by name (tiny … large-v3-turbo) or path."
    )
    whisper_live_model: str | None = Field(
        None, description="Whisper model for live text; the same one when not given."
    )
    sherpa_model: str | None = Field(None, description="sherpa-onnx model by name or path.")
    sherpa_diarisation: str | None = Field(
        None, description="Folder of sherpa-onnx speaker models; enables who-spoke-when."
    )
    piper_model: str | None = Field(None, description="Piper voice by name or path.")
    download_models: bool = Field(
        True, description="Whether models may be fetched from their hub on first use."
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where models run.")
    compute_type: str = Field(
        "auto", description="CTranslate2 number format; auto is int8 on CPU, float16 on CUDA."
    )
    speech_workers: int = Field(
        0, ge=0, le=256, description="One-thread inference workers; 0 takes one a core."
    )
    speech_max_live: int = Field(
        0, ge=0, description="Live streams admitted; 0 measures what this machine holds."
    )
    speech_memory_bytes: int = Field(
        8_589_934_592, ge=268_435_456, description="Memory the speech host may use."
    )
    speech_timeout_seconds: float = Field(
        900, gt=0, description="Longest a recogniser may work on one file."
    )
    decode_timeout_seconds: float = Field(
        600, gt=0, description="Longest the decoder may work on one file."
    )
    decode_memory_bytes: int = Field(
        2_147_483_648, ge=67_108_864, description="Memory the decoder may use."
    )
    keep_uploads: bool = Field(
        True,
        description="Whether recordings handed over for transcribing are kept, to be listened to, until removed.",
    )
    max_audio_seconds: float = Field(
        43_200, gt=0, description="Longest recording accepted, in seconds."
    )
    gladia_key: SecretStr | None = Field(None, description="Key of Gladia.")
    gladia_url: str = Field("https://api.gladia.io", description="Address of Gladia.")
    openai_url: str = Field(
        "https://api.openai.com/v1", description="Address of an OpenAI-compatible server."
    )
    openai_key: SecretStr | None = Field(None, description="Key of that server.")
    openai_stt_model: str = Field("whisper-1", description="Its recognition model.")
    openai_tts_model: str = Field("tts-1", description="Its speech model.")
    openai_voice: str = Field("alloy", description="Its voice.")

    # Money
    currency: str = Field("USD", max_length=8, description="What prices and budgets are in.")
    prices: PriceList = Field(
        default_factory=dict,
        description="What engines cost for one unit (seconds, tokens_in, tokens_out, characters), by engine or "
        "`engine:model`; JSON, or a table in `tertulia.toml`. Engines of the server itself are free unless listed.",
        examples=['{"openai:whisper-1": {"seconds": 0.0001}}'],
    )
    cheaper_engines: dict[str, str] = Field(
        default_factory=dict,
        description="Which engine stands in for which once a budget is used up; JSON, or a table in `tertulia.toml`.",
        examples=['{"openai": "whisper"}'],
    )

    # Language
    llm: NameList = Field(
        ("offline",),
        description="Chat model, or a chain tried in order: openai:NAME,anthropic:NAME,gemini:NAME,ollama:NAME,offline.",
    )
    embeddings: str | None = Field(
        None,
        description="Embedding model for search by meaning: openai:NAME, gemini:NAME or ollama:NAME.",
    )
    openai_llm_url: str | None = Field(
        None,
        description="OpenAI-compatible server for chat, when another than TERTULIA_OPENAI_URL.",
    )
    openai_llm_key: SecretStr | None = Field(None, description="Key of that server.")
    anthropic_key: SecretStr | None = Field(None, description="Key of Anthropic.")
    anthropic_url: str = Field(
        "https://api.anthropic.com", description="Address of Anthropic's API."
    )
    gemini_key: SecretStr | None = Field(None, description="Key of Google's Gemini.")
    gemini_url: str = Field(
        "https://generativelanguage.googleapis.com", description="Address of Gemini's API."
    )
    ollama_url: str = Field("http://127.0.0.1:11434", description="Address of Ollama.")
    analyse: NameList = Field(
        (),
        description="Kinds of conversations that are analysed as soon as they are whole: voice, live, chat, calls, meetings, files, imports.",
    )
    llm_timeout_seconds: float = Field(
        300, gt=0, description="Longest a chat model may work on one answer."
    )

    # Live sessions
    live_max_sessions: int = Field(
        0, ge=0, description="Live sessions this server follows; 0 measures what the machine holds."
    )
    live_connect_seconds: float = Field(
        30, gt=0, description="How long a new live session waits for its first connection."
    )
    live_idle_seconds: float = Field(
        300, gt=0, description="After so long without sound or a command a live session is ended."
    )
    live_reconnect_seconds: float = Field(
        300, gt=0, description="How long a live session waits for its client to come back."
    )
    live_log_days: int = Field(
        30, ge=1, le=3650, description="Days the logs and measurements of live sessions are kept."
    )

    # Bots and the voice door
    bot: str = Field(
        "",
        description="The bot that answers where none is asked for, by name or id; the host without it.",
    )
    voice_max_bytes: int = Field(
        26_214_400, ge=1024, description="Largest recording a bot is asked with."
    )
    voice_link_seconds: float = Field(
        3600, ge=1, description="How long a link to a spoken answer works by itself."
    )
    tool_allowed_networks: NameList = Field(
        (),
        description="Internal networks (CIDR) that bots' tools may reach in spite of the guard.",
    )
    tool_timeout_seconds: float = Field(
        15, gt=0, description="How long a bot waits for a tool to answer."
    )

    # What is not kept
    redact_cards: bool = Field(
        False,
        description="Whether card numbers are masked in every text before it is stored; recordings stay as they are.",
    )
    redact_patterns: tuple[str, ...] = Field(
        (),
        description="Regular expressions that are masked in every text before it is stored; a JSON list.",
        examples=['["\\bES\\d{22}\\b"]'],
    )

    # Seeing inside
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is logged; content never is."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="Shape of log lines; auto is text on a terminal and JSON elsewhere."
    )
    metrics_token: SecretStr | None = Field(
        None, description="When given, /metrics asks for it as a bearer token."
    )
    otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector (HTTP); needs the `otel` extra."
    )

    @field_validator(
        "trusted_proxies",
        "webhook_allowed_networks",
        "tool_allowed_networks",
        "stt",
        "tts",
        "llm",
        "analyse",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @cached_property
    def models_folder(self) -> Path:
        """Where models are kept."""
        return self.models or self.data / "models"

    @cached_property
    def given_database_url(self) -> str | None:
        """The PostgreSQL somebody gave us, or None when the embedded one is to be used."""
        if self.database_url:
            return self.database_url.get_secret_value()
        if not self.pg_host:
            return None
        from psycopg.conninfo import make_conninfo

        return make_conninfo(
            host=self.pg_host,
            port=self.pg_port,
            dbname=self.pg_database,
            user=self.pg_user,
            password=self.pg_password.get_secret_value() if self.pg_password else None,
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            dotenv_settings,
            TomlConfigSettingsSource(settings_cls),
        )


def load_settings(**overrides: Any) -> Settings:
    """Reads the settings; a wrong or unknown one stops the start with a line that names the fix."""
    _refuse_unknown_variables()
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})
    except ValidationError as error:
        raise StartError("\n".join(_explain(e) for e in error.errors())) from None
    except tomllib.TOMLDecodeError as error:
        raise StartError(f"tertulia.toml cannot be read: {error}. Correct that line.") from None


def _refuse_unknown_variables() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(PREFIX) and name.upper() not in known:
            raise StartError(f"{name} is not a setting. {_suggest(name.upper(), known)}")


def _explain(error: Any) -> str:
    """One line for one wrong setting: its name, what is wrong, what to do."""
    name = str(error["loc"][0]) if error["loc"] else ""
    variable = name.upper() if name.upper() in SOURCE_NAMES else PREFIX + name.upper()
    if error["type"] == "extra_forbidden":
        if name.startswith(PREFIX.lower()):  # from .env, which has variables rather than names
            known = {PREFIX + field.upper() for field in Settings.model_fields}
            return f"{name.upper()} in .env is not a setting. {_suggest(name.upper(), known)}"
        return f"`{name}` is not a setting. {_suggest(name, Settings.model_fields)}"
    field = Settings.model_fields.get(name)
    meaning = f" {field.description}" if field and field.description else ""
    return f"{variable} is wrong: {error['msg']}.{meaning} Correct it or remove it."


def _suggest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
    if close:
        return f"Did you mean {close[0]}?"
    return "Remove it; docs/settings.md lists every setting."
