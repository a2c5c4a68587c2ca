"""What is known of a single sign-on before and after the provider is asked."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-on under way: what the provider's answer must match."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    return_to: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Who the provider says it is."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
