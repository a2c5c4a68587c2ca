"""What identity refuses, each with a code of its own."""

from tertulia.kernel.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotSignedInError,
)


class WrongCredentialsError(NotSignedInError):
    """E-mail and password do not belong together; which of them is wrong is not said."""

    code = "wrong_credentials"
    title = "E-mail or password is wrong"


class WrongPasswordError(InvalidRequestError):
    """The password given to prove it is oneself is not the account's."""

    code = "wrong_password"
    title = "The current password is wrong"


class WeakPasswordError(InvalidRequestError):
    """The password is not one that may be used here."""

    code = "weak_password"
    title = "This password is too easy to guess"


class EmailTakenError(ConflictError):
    """Somebody with this e-mail has an account already."""

    code = "email_taken"
    title = "There is an account with this e-mail already"


class LinkDeadError(NotFoundError):
    """A link that was used, withdrawn, replaced, is past its day, or never was."""

    code = "link_dead"
    title = "This link does not work any more"


class OtherInviteeError(ForbiddenError):
    """The invitation names somebody else."""

    code = "invitation_for_another"
    title = "This invitation is for another e-mail"


class LastOwnerError(ConflictError):
    """Nobody would be left to own it."""

    code = "last_owner"
    title = "Somebody has to stay its owner"


class MissingScopeError(ForbiddenError):
    """The API key was not given what this needs."""

    code = "missing_scope"
    title = "The API key may not do this"


class CrossSiteError(ForbiddenError):
    """A request that a cookie signs came from another page, or without its proof."""

    code = "cross_site"
    title = "This request did not come from Tertulia's own page"


class SingleSignOnError(NotSignedInError):
    """The provider's answer cannot be believed, or names nobody who may come in."""

    code = "single_sign_on_failed"
    title = "Single sign-on did not work"


class SingleSignOnUnknownError(SingleSignOnError):
    """The provider knows this person, and nobody here has that e-mail."""

    code = "single_sign_on_unknown"
    title = "Nobody here has the e-mail your provider gave"
