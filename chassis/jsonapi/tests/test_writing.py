import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from chassis import db as chassis_db
from chassis.errors import (
    BadRequest,
    Conflict,
    DomainError,
    Forbidden,
    NotFound,
    PreconditionFailed,
    Unprocessable,
)
from chassis.jsonapi import Incoming, read_document
from chassis.jsonapi.tests.conftest import Ask, claims
from chassis.jsonapi.tests.library import Author, Blurb, Book, Review, Tag, blurbs, book_tags, books, changes, tags

ME = claims(1)


def body(attributes: dict[str, Any] | None = None, *, kind: str = "book", **data: Any) -> dict[str, Any]:
    return {"data": {"type": kind, "attributes": attributes or {}, **data}}


def to(kind: str, identity: Any) -> dict[str, Any]:
    return {"data": {"type": kind, "id": identity}}


@pytest.fixture(autouse=True)
def shelf(db: Session) -> None:
    for row in (
        Author(id=10, name="Le Guin"),
        Tag(name="fiction"),
        Tag(name="new"),
        Book(title="Mine", identifier="mine", secret="s", buyer_note="note"),
        Book(title="Other", identifier="other", owner_id=2, buyer_note="theirs"),
        Book(title="Hidden", state="draft", owner_id=2),
    ):
        db.add(row)
        db.flush()
    db.commit()


def stored(column: Any, identity: int = 1) -> Any:
    with chassis_db.transaction() as session:
        return session.scalar(sa.select(column).where(Book.id == identity))


def count(model: Any) -> Any:
    with chassis_db.transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model))


class TestReadDocument:
    def test_values_and_relations_by_underscored_names(self) -> None:
        incoming = read_document(
            body(
                {
                    "title": "T",
                    "published-at": "1970-01-01T00:00:00.000Z",
                    "secret": "x",
                    "price": 5,
                    "created-at": "2026-01-01T00:00:00Z",
                    "deleted-at": "2026-01-01T00:00:00Z",
                    "nothing": 1,
                },
                relationships={
                    "author": to("author", "10"),
                    "sequel-of": {"data": None},
                    "tags": {"data": [{"type": "tag", "id": 1}, {"type": "tag", "id": "2"}]},
                    "reviews": {"data": [{"type": "review", "id": "1"}]},
                    "shelf": to("shelf", "77"),
                    "unknown": to("x", "1"),
                    "blurb": {"links": {}},
                },
            ),
            books,
        )
        assert incoming.values["published_at"].isoformat() == "1970-01-01T00:00:00+00:00"
        assert {key: incoming.values[key] for key in incoming.values if key != "published_at"} == {
            "title": "T",
            "secret": "x",
        }
        assert incoming.related == {"author": 10, "sequel_of": None, "tags": [1, 2], "shelf": 77}

    def test_a_change_names_its_id(self) -> None:
        assert read_document(body(id="1"), books, partial=True) == Incoming("1", {}, {})
        assert read_document(body(id=1), books, partial=True).id == "1"

    @pytest.mark.parametrize(
        ("document", "partial", "kind", "code", "pointer"),
        [
            (None, False, BadRequest, "data-missing", "/data"),
            ([], False, BadRequest, "data-missing", "/data"),
            ({"data": []}, False, BadRequest, "data-missing", "/data"),
            (body(kind="author"), False, Conflict, "type-mismatch", "/data/type"),
            ({"data": {}}, False, Conflict, "type-mismatch", "/data/type"),
            (body(), True, BadRequest, "id-missing", "/data/id"),
            (body(id=""), True, BadRequest, "id-missing", "/data/id"),
            (body(id="7"), False, Forbidden, "client-id", "/data/id"),
            ({"data": {"type": "book", "attributes": []}}, False, Unprocessable, "value-invalid", "/data/attributes"),
            (body({"title": "a\x00"}), False, Unprocessable, "value-invalid", "/data/attributes/title"),
            (body({"secret": "a\x00"}), False, Unprocessable, "value-invalid", "/data/attributes/secret"),
            (body({"extra": {"a": "\x00"}}), False, Unprocessable, "value-invalid", "/data/attributes/extra"),
            (body({"title": "x" * 101}), False, Unprocessable, "value-invalid", "/data/attributes/title"),
            (body({"pages": 2**40}), False, Unprocessable, "value-invalid", "/data/attributes/pages"),
            (body({"published-at": "soon"}), False, Unprocessable, "value-invalid", "/data/attributes/published-at"),
            (
                body(relationships={"author": to("tag", "1")}),
                False,
                Conflict,
                "type-mismatch",
                "/data/relationships/author/data/type",
            ),
            (
                body(relationships={"author": to("author", "x")}),
                False,
                Unprocessable,
                "value-invalid",
                "/data/relationships/author/data/id",
            ),
            (
                body(relationships={"author": {"data": [1]}}),
                False,
                Unprocessable,
                "value-invalid",
                "/data/relationships/author/data",
            ),
            (
                body(relationships={"tags": {"data": {}}}),
                False,
                Unprocessable,
                "value-invalid",
                "/data/relationships/tags/data",
            ),
            (
                body(relationships={"tags": {"data": [{"type": "tag"}]}}),
                False,
                Unprocessable,
                "value-invalid",
                "/data/relationships/tags/data/0",
            ),
        ],
    )
    def test_what_cannot_be_read_is_refused(
        self, document: Any, partial: bool, kind: type[DomainError], code: str, pointer: str
    ) -> None:
        with pytest.raises(kind) as caught:
            read_document(document, books, partial=partial)
        assert (caught.value.code, caught.value.source) == (code, {"pointer": pointer})


class TestCreate:
    def test_the_answer_is_the_resource_and_its_place(self, ask: Ask) -> None:
        document = body(
            {"title": "New", "is-lent": True},
            relationships={"author": to("author", "10"), "tags": {"data": [{"type": "tag", "id": "2"}]}},
        )
        answer = ask(books.create, body=document, token_info=claims(5))
        assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/books/4")
        data = answer.get_json(force=True)["data"]
        assert (data["id"], data["attributes"]["title"], data["attributes"]["is-lent"]) == ("4", "New", True)
        assert data["relationships"]["author"]["data"] == {"type": "author", "id": "10"}
        assert stored(Book.owner_id, 4) == 5
        assert [tuple(row) for row in _rows(book_tags)] == [(4, 2)]
        assert changes == [("changed", 4)]

    def test_the_answer_includes_what_is_asked(self, ask: Ask) -> None:
        document = body({"title": "New"}, relationships={"author": to("author", "10")})
        answer = ask.json(books.create, {"include": "author"}, body=document, token_info=ME)
        assert [item["id"] for item in answer["included"]] == ["10"]

    def test_a_refusal_leaves_nothing(self, ask: Ask) -> None:
        before = count(Book)
        for document, kind, code in (
            (body({"title": "x"}, relationships={"author": to("author", "99")}), Unprocessable, "related-not-found"),
            (body({"title": "x"}, relationships={"sequel-of": to("book", "3")}), Unprocessable, "related-not-found"),
            (
                body({"title": "x"}, relationships={"tags": {"data": [{"type": "tag", "id": "9"}]}}),
                Unprocessable,
                "related-not-found",
            ),
            (body({"pages": 1}), Unprocessable, "value-invalid"),
        ):
            with pytest.raises(kind) as caught:
                ask(books.create, body=document, token_info=ME)
            assert caught.value.code == code
        assert (count(Book), changes) == (before, [])

    def test_what_is_missing_is_pointed_at(self, ask: Ask) -> None:
        with pytest.raises(Unprocessable) as caught:
            ask(books.create, body=body({"pages": 1}), token_info=ME)
        assert caught.value.source == {"pointer": "/data/attributes/title"}

    def test_a_second_of_what_is_unique_is_a_conflict(self, ask: Ask) -> None:
        document = body({"text": "a"}, kind="blurb", relationships={"book": to("book", "1")})
        assert ask(blurbs.create, body=document).status_code == 201
        with pytest.raises(Conflict) as caught:
            ask(blurbs.create, body=document)
        assert (caught.value.code, caught.value.detail) == ("already-exists", "There is already such a blurb.")
        assert count(Blurb) == 1

    def test_who_may_not_is_refused(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(books, "may_create", lambda _db, _claims, book: book.author_id != 10)
        with pytest.raises(Forbidden):
            ask(books.create, body=body({"title": "x"}, relationships={"author": to("author", "10")}), token_info=ME)
        assert count(Book) == 3

    def test_a_hook_may_make_the_row(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            books, "before_create", lambda _db, _c, values, _r: Book(title=values["title"] + "!", owner_id=1)
        )
        assert ask.json(books.create, body=body({"title": "x"}), token_info=ME)["data"]["attributes"]["title"] == "x!"


class TestUpdate:
    def update(self, ask: Ask, value: str, document: Any, user: Any = ME, **rest: Any) -> Any:
        return ask.json(books.update, body=document, token_info=user, id_=value, **rest)

    def test_only_what_is_sent_changes(self, ask: Ask) -> None:
        answer = self.update(ask, "mine", body({"pages": 5, "identifier": "x", "created-at": None}, id="1"))
        assert (answer["data"]["attributes"]["pages"], answer["data"]["attributes"]["identifier"]) == (5, "mine")
        assert (stored(Book.title), stored(Book.secret), stored(Book.pages)) == ("Mine", "s", 5)
        assert changes == [("changed", 1)]

    @pytest.mark.parametrize(("value", "identity"), [("1", "1"), ("mine", "1"), ("1", "mine"), ("mine", "mine")])
    def test_number_and_identifier_are_the_same_id(self, ask: Ask, value: str, identity: str) -> None:
        assert self.update(ask, value, body(id=identity))["data"]["id"] == "1"

    def test_another_id_than_that_of_the_path_is_refused(self, ask: Ask) -> None:
        with pytest.raises(BadRequest) as caught:
            self.update(ask, "1", body({"title": "x"}, id="2"))
        assert (caught.value.code, caught.value.source) == ("id-mismatch", {"pointer": "/data/id"})
        assert stored(Book.title) == "Mine"

    def test_visible_is_not_changeable(self, ask: Ask) -> None:
        with pytest.raises(Forbidden):
            self.update(ask, "2", body({"title": "x"}, id="2"))
        with pytest.raises(NotFound):
            self.update(ask, "3", body({"title": "x"}, id="3"))
        assert (stored(Book.title, 2), stored(Book.title, 3), changes) == ("Other", "Hidden", [])

    def test_what_the_caller_cannot_see_is_not_erased(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(books, "may_change", None)
        self.update(ask, "2", body({"title": "New", "buyer-note": None}, id="2"))
        assert (stored(Book.title, 2), stored(Book.buyer_note, 2)) == ("New", "theirs")
        self.update(ask, "1", body({"buyer-note": None}, id="1"))
        assert stored(Book.buyer_note) is None

    def test_relations_are_replaced(self, ask: Ask) -> None:
        def links() -> list[Any]:
            return [tuple(row) for row in _rows(book_tags)]

        both = {"tags": {"data": [{"type": "tag", "id": "1"}, {"type": "tag", "id": "2"}]}}
        self.update(ask, "1", body(id="1", relationships=both))
        assert links() == [(1, 1), (1, 2)]
        self.update(ask, "1", body(id="1", relationships={"tags": {"data": [{"type": "tag", "id": "2"}]}}))
        assert links() == [(1, 2)]
        self.update(ask, "1", body(id="1", relationships={"tags": {"data": []}, "author": to("author", "10")}))
        assert (links(), stored(Book.author_id)) == ([], 10)
        self.update(ask, "1", body(id="1", relationships={"author": {"data": None}}))
        assert stored(Book.author_id) is None

    def test_what_the_caller_could_not_name_stays_related(
        self, ask: Ask, db: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        db.execute(book_tags.insert(), [{"book_id": 1, "tag_id": 1}])
        db.commit()
        monkeypatch.setattr(tags, "visible", lambda _claims: Tag.name == "new")
        self.update(ask, "1", body(id="1", relationships={"tags": {"data": [{"type": "tag", "id": "2"}]}}))
        self.update(ask, "1", body(id="1", relationships={"tags": {"data": []}}))
        assert [tuple(row) for row in _rows(book_tags)] == [(1, 1)]

    def test_who_may_is_asked_again_where_it_is_moved_to(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(books, "may_change", lambda _db, _claims, book: book.author_id is None)
        with pytest.raises(Forbidden):
            self.update(ask, "1", body(id="1", relationships={"author": to("author", "10")}))
        assert stored(Book.author_id) is None

    def test_a_hook_sees_values_before_they_are_set(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        def hook(_db: Session, _claims: Any, row: Book, values: dict[str, Any], _related: Any) -> None:
            values["title"] = f"{row.title} → {values['title']}"

        monkeypatch.setattr(books, "before_update", hook)
        self.update(ask, "1", body({"title": "New"}, id="1"))
        assert stored(Book.title) == "Mine → New"

    def test_a_conflict_with_the_database_is_a_refusal(self, ask: Ask) -> None:
        with pytest.raises(Unprocessable):
            self.update(ask, "1", body({"title": None}, id="1"))
        assert stored(Book.title) == "Mine"

    def test_only_admins_bring_back_what_was_deleted(self, ask: Ask) -> None:
        trashed, admin = {"get_trashed": "true"}, claims(9, "admin")
        ask(books.delete, token_info=ME, id_="1")
        document = body({"deleted-at": None}, id="1")
        for user, query in ((ME, trashed), (admin, {})):
            with pytest.raises(NotFound):
                self.update(ask, "1", document, user, query=query)
        self.update(ask, "1", body({"title": "Still gone"}, id="1"), admin, query=trashed)
        assert stored(Book.deleted_at) is not None
        self.update(ask, "1", document, admin, query=trashed)
        assert stored(Book.deleted_at) is None

    def test_deleted_at_is_nothing_to_set(self, ask: Ask) -> None:
        self.update(ask, "1", body({"deleted-at": "2026-01-01T00:00:00Z"}, id="1"))
        assert stored(Book.deleted_at) is None


class TestIfMatch:
    def test_an_old_tag_changes_nothing(self, ask: Ask) -> None:
        tag = ask(books.fetch, id_="1", token_info=ME).headers["ETag"]
        headers = {"If-Match": tag}

        def change(pages: int) -> Any:
            return ask(books.update, body=body({"pages": pages}, id="1"), token_info=ME, id_="1", headers=headers)

        assert change(1).status_code == 200
        changes.clear()
        with pytest.raises(PreconditionFailed):
            change(2)
        with pytest.raises(PreconditionFailed):
            ask(books.delete, token_info=ME, id_="1", headers=headers)
        assert (stored(Book.pages), stored(Book.deleted_at), changes) == (1, None, [])

    def test_a_star_matches_whatever_is_there(self, ask: Ask) -> None:
        answer = ask(books.delete, token_info=ME, id_="1", headers={"If-Match": "*"})
        assert answer.status_code == 200

    def test_of_two_changes_with_the_same_tag_one_wins(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        tag = ask(books.fetch, id_="1", token_info=ME).headers["ETag"]
        monkeypatch.setattr(books, "before_update", lambda *_: time.sleep(0.2))
        outcomes: list[int] = []

        def change(pages: int) -> None:
            try:
                headers = {"If-Match": tag}
                ask(books.update, body=body({"pages": pages}, id="1"), token_info=ME, id_="1", headers=headers)
                outcomes.append(200)
            except PreconditionFailed:
                outcomes.append(412)

        threads = [threading.Thread(target=change, args=(pages,)) for pages in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == [200, 412]


class TestDelete:
    def test_soft_where_rows_can_be_kept(self, ask: Ask) -> None:
        answer = ask(books.delete, token_info=ME, id_="mine")
        assert (answer.status_code, answer.get_json(force=True)["meta"]) == (200, {"message": "The book was deleted."})
        assert stored(Book.deleted_at) is not None
        assert changes == [("deleted", 1)]
        with pytest.raises(NotFound):
            ask(books.delete, token_info=ME, id_="mine")

    def test_for_good_where_not(self, ask: Ask) -> None:
        assert ask(tags.delete, token_info=ME, id_="1").status_code == 200
        assert count(Tag) == 1

    def test_permanent_is_for_admins(self, ask: Ask) -> None:
        ask(books.delete, {"permanent": "true"}, token_info=ME, id_="1")
        assert count(Book) == 3
        ask(books.delete, {"permanent": "true"}, token_info=claims(9, "admin"), id_="2")
        assert count(Book) == 2

    def test_what_is_still_needed_stays(self, ask: Ask, db: Session) -> None:
        db.add(Review(book_id=2, writer_id=1, stars=1))
        db.commit()
        with pytest.raises(Unprocessable) as caught:
            ask(books.delete, {"permanent": "true"}, token_info=claims(9, "admin"), id_="2")
        assert caught.value.code == "value-invalid"
        assert count(Book) == 3

    def test_who_may_not_is_refused(self, ask: Ask) -> None:
        with pytest.raises(Forbidden):
            ask(books.delete, token_info=ME, id_="2")
        assert (stored(Book.deleted_at, 2), changes) == (None, [])


def _rows(table: sa.Table) -> list[Any]:
    with chassis_db.transaction() as session:
        return list(session.execute(sa.select(table).order_by(*table.c)).all())
