"""The ids in addresses."""

from typing import Annotated
from uuid import UUID

from fastapi import Path

Id = Annotated[UUID, Path(alias="id")]
UserId = Annotated[UUID, Path(alias="user_id")]
InvitationId = Annotated[UUID, Path(alias="invitation_id")]
LinkSecret = Annotated[
    str, Path(alias="token", max_length=200, description="The last part of the link.")
]
