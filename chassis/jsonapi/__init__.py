"""JSON:API for the services: documents, query strings, and Resource: plain CRUD, declared.

What a type consists of is read from ``components.schemas.<type>`` of the service's spec (`readOnly`, `writeOnly`,
``x-visible-to``, and for relations ``x-type``, ``x-many``). What it is stored in are the columns and relationships of
the model, dashed names underscored. A module of ``api/`` declares its type and gives each operationId a name::

    SPEC = spec.load(Path(__file__).parent.parent / "openapi.yaml")     # one dict per service, shared by its resources

    tracks = Resource(
        "track", Track, spec=SPEC,
        visible=queries.tracks_of_caller,                 # (claims or None) -> SQL criterion | True | False
        levels={"coorganizer": queries.runs_event_of_track},   # (claims) -> SQL criterion | bool, for x-visible-to
        computed={"font-color": lambda track: contrast(track.color)},      # attribute -> function of the row
        columns={"position": "order"},                    # attribute -> other column, or SQL expression to filter by
        may_create=policy.may_edit_event, may_change=policy.may_edit_event,   # (db, claims, row): raise or False
        after_change=messages.say_track_changed,          # (db, row): publishes
    )
    list_tracks, get_track = tracks.fetch_page, tracks.fetch
    create_track, update_track, delete_track = tracks.create, tracks.update, tracks.delete
    list_sessions_of_track = tracks.fetch_related("sessions")        # GET /v1/tracks/{id}/sessions; to-one: one or 404
    get_sessions_linkage = tracks.fetch_linkage("sessions")          # GET /v1/tracks/{id}/relationships/sessions
    list_upcoming_events = events.listing(queries.upcoming, sort="starts-at")   # where(claims) narrows the list

    def create_order(body: dict[str, Any], token_info: Claims) -> Response:      # hand-written handlers
        incoming = orders.read(body)                      # .values and .related (ids), underscored; 409/403/422 inside
        ...
        with transaction() as db:
            order = commands.place_order(db, ...)
            return answered(db, orders.document(db, order, token_info), 201)

    orders.find(db, identifier, token_info, lock=True)    # the row, by number or identifier; NotFound if not visible
    orders.page(db, token_info, Order.event_id == 7)      # the document of a list, for hand-written lists

Declare a relation as ORM relationship of the same (underscored) name, `lazy="raise"`; relations whose type has no
Resource in the service, or no ORM relationship, appear with links (and linkage, where the model has `<name>_id`) but
cannot be included or filtered. Replicas are registered like own types; deleted rows (`deleted_at`, `is_deleted`) are
hidden from everyone but admins who say ``get_trashed=true``. Each resource's own `visible` holds for lists, includes,
linkage, filters and sorting (docs/decisions/0011). `prepare()` finds mistakes in declarations when a service starts.

Good to know:

- What is computed is not stored: `columns` next to `computed` only says what to filter and sort by, and a value that a
  body brings for it reaches the hooks as it came. Models' own properties are shown without further words.
- `may_create` sees the row before it is flushed: foreign keys are set, defaults and relationships are not. `may_change`
  is asked again when a relation was changed, for where the row is moved to.
- One-to-many lists in bodies are ignored (they change on their own side); to-one and many-to-many ones are set.
- The schema of `data.type` should be a plain string: with an `enum` there a wrong type is 422 before it can be 409.
- A path value is the number or, where the model has one, the `identifier`; bodies may name either.
"""

from chassis.jsonapi.body import Incoming, read_document
from chassis.jsonapi.etag import etag
from chassis.jsonapi.grammar import PLAIN, Query
from chassis.jsonapi.reading import current_query, tagged
from chassis.jsonapi.resource import Resource, prepare
from chassis.jsonapi.viewer import Viewer, viewer_of

__all__ = [
    "PLAIN",
    "Incoming",
    "Query",
    "Resource",
    "Viewer",
    "current_query",
    "etag",
    "prepare",
    "read_document",
    "tagged",
    "viewer_of",
]
