"""What can go wrong with transcripts, each with its code and the way out."""

from tertulia.kernel.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
)


class TranscriptMissingError(NotFoundError):
    """There is no such transcript, or it is in a space that the caller is not in."""

    code = "transcript_missing"
    title = "There is no such transcript"


class SegmentMissingError(NotFoundError):
    """The transcript has no segment with that utterance id."""

    code = "segment_missing"
    title = "There is no such segment"


class SegmentTooLongError(PayloadTooLargeError):
    """One segment holds more text than a segment may."""

    code = "segment_too_long"
    title = "The segment is too long"


class SegmentNotFinalError(ConflictError):
    """Only a segment whose text is final can be edited."""

    code = "segment_not_final"
    title = "The segment is still being said"


class TranscriptOutdatedError(ConflictError):
    """The transcript was changed since the version that the request names."""

    code = "transcript_outdated"
    title = "The transcript has changed meanwhile"


class ImportUnreadableError(InvalidRequestError):
    """The file is not a transcript in a format that is read here."""

    code = "import_unreadable"
    title = "The file cannot be read as a transcript"


class ReadingMissingError(NotFoundError):
    """The transcript has no reading of that number."""

    code = "reading_missing"
    title = "There is no such reading"


class ReadingUnfinishedError(ConflictError):
    """The reading is not done, so its text cannot be shown or chosen."""

    code = "reading_unfinished"
    title = "The reading is not finished"


class ReadingInUseError(ConflictError):
    """The reading is the current one."""

    code = "reading_in_use"
    title = "This reading is the current one"
