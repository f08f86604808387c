"""The public API as a small client sees it: JSON:API documents through the gateway. For demo data, journeys and benchmarks."""

from typing import Any

import requests

JSON_API = "application/vnd.api+json"


class Refused(RuntimeError):
    """The API said no; `status` and `document` say what it said."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:800]}")
        self.status = answer.status_code
        self.document = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}


class Api:
    """Calls as nobody, or as whoever has logged in. Raises Refused on 4xx and 5xx."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.http = requests.Session()
        self.user_id: int | None = None
        self.address = ""

    def log_in(self, email: str, password: str) -> "Api":
        """The same API, as this user."""
        somebody = Api(self.url)
        somebody.address = email
        answer = somebody.call("POST", "/auth/session", json={"email": email, "password": password})
        somebody.http.headers["Authorization"] = f"Bearer {answer['access_token']}"
        somebody.user_id = somebody.call("GET", "/v1/users/user-details/get-user-id").get("user_id")
        return somebody

    def send(
        self, method: str, path: str, *, json: Any = None, media_type: str | None = None, **rest: Any
    ) -> requests.Response:
        """One request, whatever the answer."""
        headers = dict(rest.pop("headers", {}))
        if json is not None:
            is_document = isinstance(json, dict) and isinstance(json.get("data"), dict) and "type" in json["data"]
            headers["Content-Type"] = media_type or (JSON_API if is_document else "application/json")
        return self.http.request(method, self.url + path, json=json, headers=headers, timeout=60, **rest)

    def call(self, method: str, path: str, **rest: Any) -> dict[str, Any]:
        """One request, its JSON. Raises Refused."""
        answer = self.send(method, path, **rest)
        if not answer.ok:
            raise Refused(answer)
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str, **rest: Any) -> dict[str, Any]:
        """GET."""
        return self.call("GET", path, **rest)

    def create(
        self, path: str, type_: str, attributes: dict[str, Any], relations: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """POST of a resource; its data."""
        data: dict[str, Any] = {"type": type_, "attributes": attributes}
        if relations:
            data["relationships"] = {name: {"data": value} for name, value in relations.items()}
        made: dict[str, Any] = self.call("POST", path, json={"data": data})["data"]
        return made

    def change(self, path: str, type_: str, id_: str, attributes: dict[str, Any]) -> dict[str, Any]:
        """PATCH of a resource; its data."""
        data = {"type": type_, "id": id_, "attributes": attributes}
        changed: dict[str, Any] = self.call("PATCH", path, json={"data": data})["data"]
        return changed


def ref(type_: str, id_: str | int) -> dict[str, str]:
    """A resource identifier."""
    return {"type": type_, "id": str(id_)}
