"""What can be wrong with audio that somebody hands over."""

from http import HTTPStatus

from tertulia.kernel.errors import (
    InvalidRequestError,
    MalformedRequestError,
    TertuliaError,
    UnavailableError,
    UnsupportedMediaError,
)


class AudioUnreadableError(UnsupportedMediaError):
    """The bytes are not audio in any format that is understood, or are too damaged."""

    code = "audio_unreadable"
    title = "This is not audio that can be read"


class AudioEmptyError(InvalidRequestError):
    """There is no audio inside."""

    code = "audio_empty"
    title = "There is no audio in this recording"


class AudioTooLongError(InvalidRequestError):
    """The recording is past the longest one accepted."""

    code = "audio_too_long"
    title = "This recording is too long"


class AudioTooDemandingError(InvalidRequestError):
    """Decoding needs more time or memory than is allowed."""

    code = "audio_too_demanding"
    title = "This recording takes too much time or memory to decode"


class AudioForbiddenError(MalformedRequestError):
    """A playlist, or a file that points at other files or addresses."""

    code = "audio_forbidden"
    title = "Playlists and files that refer to other files are not accepted"


class DecoderStoppedError(UnavailableError):
    """The decoder's process went away; the audio may be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "decoder_stopped"
    title = "The audio decoder stopped and is starting again"


_BY_CODE: dict[str, type[TertuliaError]] = {
    error.code: error
    for error in (
        AudioUnreadableError,
        AudioEmptyError,
        AudioTooLongError,
        AudioTooDemandingError,
        AudioForbiddenError,
        DecoderStoppedError,
    )
}


def from_code(code: str, detail: str) -> TertuliaError:
    """The error a decoder's process told us about."""
    return _BY_CODE.get(code, AudioUnreadableError)(detail)
