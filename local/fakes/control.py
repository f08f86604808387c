"""The remote control that no real provider has: faults, a look into the books, a fresh start."""

from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.fakes.books import Books
from local.fakes.deliveries import Deliveries
from local.fakes.faults import BadFault, Fault, Faults


class Control:
    """`kinds` names what `GET /_control/books` shows: a heading for each kind of object."""

    def __init__(self, books: Books, faults: Faults, deliveries: Deliveries, kinds: Mapping[str, str]) -> None:
        self._books = books
        self._faults = faults
        self._deliveries = deliveries
        self._kinds = kinds

    def routes(self) -> list[Route]:
        return [
            Route("/_control/health", self.health),
            Route("/_control/books", self.look),
            Route("/_control/webhooks", self.webhooks),
            Route("/_control/webhooks/release", self.release, methods=["POST"]),
            Route("/_control/faults", self.list_faults),
            Route("/_control/faults", self.add_fault, methods=["POST"]),
            Route("/_control/faults", self.remove_faults, methods=["DELETE"]),
            Route("/_control/faults/{id:int}", self.remove_faults, methods=["DELETE"]),
            Route("/_control/reset", self.reset, methods=["POST"]),
        ]

    async def health(self, _: Request) -> Response:
        return _json({"ok": True})

    async def look(self, _: Request) -> Response:
        return _json({heading: self._books.every(kind) for heading, kind in self._kinds.items()})

    async def webhooks(self, _: Request) -> Response:
        return _json({"webhooks": self._deliveries.listed()})

    async def release(self, _: Request) -> Response:
        self._deliveries.release()
        return _json({})

    async def list_faults(self, _: Request) -> Response:
        return _json({"faults": [fault.document() for fault in self._faults.open]})

    async def add_fault(self, request: Request) -> Response:
        try:
            fault = Fault.read(orjson.loads(await request.body()))
        except (BadFault, ValueError, TypeError) as error:
            return _json({"error": str(error)}, status=400)
        return _json(self._faults.add(fault).document(), status=201)

    async def remove_faults(self, request: Request) -> Response:
        """One by its id, or all; webhooks held back for reordering go out."""
        self._faults.remove(request.path_params.get("id"))
        self._deliveries.release()
        return _json({})

    async def reset(self, _: Request) -> Response:
        self._books.forget_everything()
        self._faults.forget()
        return _json({})


def _json(document: object, *, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
