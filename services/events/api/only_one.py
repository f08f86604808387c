"""Resources of which there is one record: its path needs no id, and whatever id is asked, it is this one."""

from typing import Any

import flask

from chassis.auth import Claims
from chassis.jsonapi import Resource

THE_ONE = "1"


class OnlyOne:
    """The operations of such a resource."""

    def __init__(self, resource: Resource[Any]) -> None:
        self._resource = resource

    def get(self, token_info: Claims | None = None) -> flask.Response:
        """GET without an id."""
        return self._resource.fetch(token_info=token_info, id=THE_ONE)

    def get_any(self, id_: str, token_info: Claims | None = None) -> flask.Response:
        """GET with any id."""
        return self.get(token_info)

    def update(self, body: Any = None, token_info: Claims | None = None) -> flask.Response:
        """PATCH without an id in the path; that of the body is whatever the client thinks."""
        body = {**body, "data": {**body["data"], "id": THE_ONE}}
        return self._resource.update(body=body, token_info=token_info, id=THE_ONE)

    def update_any(self, id_: str, body: Any = None, token_info: Claims | None = None) -> flask.Response:
        """PATCH with any id."""
        return self.update(body, token_info)
