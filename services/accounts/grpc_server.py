"""What others may ask of accounts."""

import orjson

from chassis.db import transaction
from chassis.errors import NotFound
from proto.accounts import accounts_pb2 as pb
from services.accounts import keys, messages, queries
from services.accounts.models import User

LARGEST_PAGE = 1000


class AccountsServicer:
    """The RPCs of proto/accounts."""

    def GetKeys(self, _: pb.GetKeysRequest) -> pb.GetKeysReply:  # noqa: N802
        """Public keys, and the sessions that ended while their tokens may still look valid."""
        with transaction() as db:
            return pb.GetKeysReply(
                jwks_json=orjson.dumps(keys.jwks(db)).decode(),
                ended=[
                    messages.sessions_ended_message(each.user_id, each.session_id, each.ended_at)
                    for each in queries.sessions_to_remember(db)
                ],
            )

    def GetUser(self, request: pb.GetUserRequest) -> pb.User:  # noqa: N802
        """One living user. Raises NotFound."""
        with transaction() as db:
            user = db.get(User, request.id)
            if user is None or user.deleted_at is not None:
                raise NotFound("There is no such user.")
            return messages.user_message(user)

    def SnapshotUsers(self, request: pb.SnapshotRequest) -> pb.UserPage:  # noqa: N802
        """A page of all users, tombstones included."""
        limit = min(request.limit or LARGEST_PAGE, LARGEST_PAGE)
        with transaction() as db:
            found = queries.users_after(db, request.after_id, limit)
            return pb.UserPage(users=[messages.user_message(user) for user in found])
