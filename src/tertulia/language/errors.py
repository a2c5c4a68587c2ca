"""How chat models fail. The texts never hold what a vendor answered: it may quote keys or what was said."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from tertulia.kernel.errors import InvalidRequestError
from tertulia.kernel.vendor import VendorError
from tertulia.language.usage import Usage

if TYPE_CHECKING:
    from tertulia.language.domain import Spent


class LanguageError(VendorError):
    """A language model failed. `retryable` says whether the same call may work in a moment."""

    status = HTTPStatus.BAD_GATEWAY
    code = "llm_error"
    title = "A language model failed"

    def __init__(
        self,
        detail: str | None = None,
        *,
        retryable: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail, retryable=retryable, retry_after_seconds=retry_after_seconds)
        self.usage = Usage()
        """What was spent before it failed."""
        self.spent: tuple[Spent, ...] = ()
        """The same, of every member of a chain of which none answered."""


class ModelRefusedError(LanguageError):
    """The model, or its vendor's filter, would not answer."""

    code = "llm_refused"
    title = "The language model would not answer"
    blames_vendor = False


class ModelCutError(LanguageError):
    """The reply ended in the middle."""

    code = "llm_cut"
    title = "The language model broke off"


class ModelNonsenseError(LanguageError):
    """The answer has not the form that was asked for, also when asked again."""

    code = "llm_nonsense"
    title = "The language model's answer cannot be read"
    blames_vendor = False


class ModelUnauthorisedError(LanguageError):
    """The vendor does not take the key, or the account has no credit."""

    code = "llm_unauthorised"
    title = "The language model does not take the key"


class PromptTooLongError(LanguageError):
    """The conversation does not fit into what the model can read."""

    code = "llm_too_long"
    title = "This is longer than the language model can read"
    blames_vendor = False


class ModelTimeoutError(LanguageError):
    """The model did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "llm_timeout"
    title = "The language model did not answer in time"


class ModelUnavailableError(LanguageError):
    """The model is away, or lacks its key or address."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "llm_unavailable"
    title = "The language model cannot be used just now"


class ModelRateLimitedError(ModelUnavailableError):
    """The vendor takes no more for the moment."""

    code = "llm_rate_limited"
    title = "The language model takes no more just now"


class UnknownModelError(InvalidRequestError):
    """Nobody here knows the engine that is asked for."""

    code = "llm_unknown"
    title = "There is no such language model"
