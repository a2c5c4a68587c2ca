"""Tables and queries of identity; private to this package."""

from tertulia.identity.store.expired import ExpiredStore
from tertulia.identity.store.guests import GuestStore
from tertulia.identity.store.invitations import InvitationStore
from tertulia.identity.store.keys import KeyStore
from tertulia.identity.store.principals import PrincipalStore
from tertulia.identity.store.sessions import SessionStore
from tertulia.identity.store.spaces import SpaceStore
from tertulia.identity.store.users import UserStore

__all__ = [
    "ExpiredStore",
    "GuestStore",
    "InvitationStore",
    "KeyStore",
    "PrincipalStore",
    "SessionStore",
    "SpaceStore",
    "UserStore",
]
