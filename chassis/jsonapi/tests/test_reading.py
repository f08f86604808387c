import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from chassis.errors import BadRequest, Forbidden, NotFound
from chassis.jsonapi import includes
from chassis.jsonapi.tests import library
from chassis.jsonapi.tests.conftest import Ask, claims
from chassis.jsonapi.tests.library import Author, Blurb, Book, Review, Tag, authors, books


def stock(db: Session, *rows: Any) -> None:
    """Commits rows, one after the other, so that their ids count up."""
    for row in rows:
        db.add(row)
        db.flush()
    db.commit()


def ids(document: dict[str, Any]) -> list[str]:
    return [item["id"] for item in document["data"]]


def included(document: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((item["type"], item["id"]) for item in document["included"])


@pytest.fixture
def shelf(db: Session) -> None:
    """Two authors, four books (the last one a draft of user 2), reviews (3 is hidden, by user 7), tags and a blurb."""
    stock(
        db,
        Tag(name="fiction"),
        Tag(name="new"),
        Author(id=10, name="Le Guin"),
        Author(id=11, name="Lem"),
        Book(title="Dispossessed", identifier="dispo", author_id=10, price_minor=1050, buyer_note="n1"),
        Book(title="Lathe", identifier="lathe", author_id=10, owner_id=2, sequel_of_id=1, buyer_note="n2"),
        Book(title="Solaris", identifier="solaris", author_id=11, is_lent=True),
        Book(title="Draft", identifier="draft", owner_id=2, state="draft", shelf_id=77),
        Review(book_id=1, writer_id=5, stars=5, text="fine"),
        Review(book_id=1, writer_id=5, stars=2, text="long"),
        Review(book_id=1, writer_id=7, stars=4, text="psst", is_hidden=True),
        Review(book_id=3, writer_id=5, stars=3, text="wet"),
        Blurb(book_id=3, text="Ocean!"),
    )
    db.execute(library.book_tags.insert(), [{"book_id": b, "tag_id": t} for b, t in ((1, 1), (1, 2), (3, 1))])
    db.commit()


@pytest.mark.usefixtures("shelf")
class TestOne:
    def test_the_whole_document(self, ask: Ask, db: Session) -> None:
        row = db.get_one(Book, 1)
        document = ask.json(books.fetch, id_="1")
        assert document["jsonapi"] == {"version": "1.0"}
        assert document["links"] == {"self": "/v1/books/1"}
        data = document["data"]
        assert (data["type"], data["id"], data["links"]) == ("book", "1", {"self": "/v1/books/1"})
        assert data["attributes"] == {
            "identifier": "dispo",
            "title": "Dispossessed",
            "state": "published",
            "pages": None,
            "price": 10.5,
            "weight": None,
            "is-lent": False,
            "extra": None,
            "token": None,
            "shout": "DISPOSSESSED",
            "published-at": None,
            "created-at": row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "deleted-at": None,
        }
        assert data["relationships"]["author"] == {
            "links": {"self": "/v1/books/1/relationships/author", "related": "/v1/books/1/author"},
            "data": {"type": "author", "id": "10"},
        }
        assert data["relationships"]["reviews"] == {"links": {"related": "/v1/books/dispo/reviews"}}
        assert data["relationships"]["sequel-of"]["data"] is None
        assert "data" not in data["relationships"]["blurb"]
        assert "owner-reviews" not in data["relationships"]

    def test_relations_to_elsewhere_have_links_and_what_the_row_knows(self, ask: Ask) -> None:
        relations = ask.json(books.fetch, id_="draft", token_info=claims(2))["data"]["relationships"]
        assert relations["shelf"]["data"] == {"type": "shelf", "id": "77"}

    def test_number_and_identifier_name_the_same(self, ask: Ask) -> None:
        assert ask(books.fetch, id_="3").get_data() == ask(books.fetch, identifier="solaris").get_data()

    @pytest.mark.parametrize("value", ["9", "nobody", "99999999999999999999", "a\x00b", "", "-1", "٣"])
    def test_what_is_not_there_is_not_found(self, ask: Ask, value: str) -> None:
        with pytest.raises(NotFound) as caught:
            ask(books.fetch, id_=value)
        assert caught.value.detail == "There is no such book."

    def test_what_the_caller_may_not_see_is_not_found(self, ask: Ask) -> None:
        with pytest.raises(NotFound):
            ask(books.fetch, id_="4")
        with pytest.raises(NotFound):
            ask(books.fetch, id_="4", token_info=claims(3))
        assert ask(books.fetch, id_="4", token_info=claims(2)).status_code == 200
        assert ask(books.fetch, id_="4", token_info=claims(9, "admin")).status_code == 200

    def test_attributes_with_a_level_are_for_those_who_hold_it(self, ask: Ask) -> None:
        def note(user: Any) -> Any:
            return ask.json(books.fetch, id_="1", token_info=user)["data"]["attributes"].get("buyer-note", "absent")

        assert (note(claims(1)), note(claims(2)), note(None), note(claims(9, "admin"))) == (
            "n1",
            "absent",
            "absent",
            "n1",
        )

    def test_in_hand_rows_are_shown_as_their_reader_sees_them(self, db: Session, ask: Ask) -> None:
        row = db.get_one(Book, 1)
        assert "buyer-note" in books.document(db, row, claims(1))["data"]["attributes"]
        assert "buyer-note" not in books.document(db, row, claims(2))["data"]["attributes"]

    def test_write_only_attributes_never_leave(self, ask: Ask) -> None:
        assert "secret" not in ask.json(books.fetch, id_="1", token_info=claims(9, "super-admin"))["data"]["attributes"]

    def test_rows_expired_by_a_commit_are_read_again(self, db: Session) -> None:
        row = db.get_one(Book, 1)
        db.expire(row)
        assert books.document(db, row, None)["data"]["attributes"]["title"] == "Dispossessed"

    def test_a_missing_row_is_asked_for_once_outside_of_the_transaction(self, db: Session, ask: Ask) -> None:
        asked: list[str] = []

        def fetch_replica(value: str) -> bool:
            asked.append(value)
            if value == "12":
                stock(db, Author(id=12, name="Butler"))
            return value == "12"

        authors.missing = fetch_replica
        try:
            assert ask.json(authors.fetch, id_="12")["data"]["attributes"]["name"] == "Butler"
            with pytest.raises(NotFound):
                ask(authors.fetch, id_="13")
            with pytest.raises(NotFound):
                ask(authors.fetch, id_="no number")
        finally:
            authors.missing = None
        assert asked == ["12", "13"]

    def test_deleted_rows_are_for_admins_who_ask(self, db: Session, ask: Ask) -> None:
        db.get_one(Book, 1).deleted_at = db.get_one(Book, 1).created_at
        db.get_one(Author, 11).is_deleted = True
        db.commit()
        trashed = {"get_trashed": "true"}
        assert ids(ask.json(books.fetch_page)) == ["2", "3"]
        assert ids(ask.json(books.fetch_page, trashed, token_info=claims(1))) == ["2", "3"]
        assert ids(ask.json(books.fetch_page, trashed, token_info=claims(9, "admin"))) == ["1", "2", "3", "4"]
        assert ids(ask.json(books.fetch_page, token_info=claims(9, "admin"))) == ["2", "3", "4"]
        assert ids(ask.json(authors.fetch_page)) == ["10"]


@pytest.mark.usefixtures("shelf")
class TestPages:
    def test_pages_count_and_link(self, ask: Ask) -> None:
        query = {"page[size]": "1", "page[number]": "2", "sort": "title", "cache": "true"}
        document = ask.json(books.fetch_page, query)
        assert ids(document) == ["2"]
        assert document["meta"] == {"count": 3}
        tail = "sort=title&cache=true&page%5Bsize%5D=1&page%5Bnumber%5D="
        assert document["links"] == {
            "self": "/v1/books?page%5Bsize%5D=1&page%5Bnumber%5D=2&sort=title&cache=true",
            "first": f"/v1/books?{tail}1",
            "last": f"/v1/books?{tail}3",
            "prev": f"/v1/books?{tail}1",
            "next": f"/v1/books?{tail}3",
        }

    def test_a_single_page_links_to_itself_only(self, ask: Ask) -> None:
        assert ask.json(books.fetch_page)["links"] == {"self": "/v1/books"}

    def test_the_ends_have_no_neighbours(self, ask: Ask) -> None:
        first = ask.json(books.fetch_page, {"page[size]": "2"})["links"]
        last = ask.json(books.fetch_page, {"page[size]": "2", "page[number]": "2"})["links"]
        assert (first["prev"], last["next"]) == (None, None)

    def test_beyond_the_last_page_there_is_nothing_and_the_count_stays(self, ask: Ask) -> None:
        document = ask.json(books.fetch_page, {"page[number]": "9"})
        assert (document["data"], document["meta"]) == ([], {"count": 3})

    def test_size_zero_is_all(self, ask: Ask) -> None:
        assert len(ask.json(books.fetch_page, {"page[size]": "0"})["data"]) == 3

    def test_an_empty_list(self, ask: Ask) -> None:
        document = ask.json(books.fetch_page, {"filter": '[{"name":"title","op":"eq","val":"none"}]'})
        assert (document["data"], document["meta"]) == ([], {"count": 0})

    def test_a_short_page_needs_one_statement_a_full_one_two(self, ask: Ask, statements: Callable[[], Any]) -> None:
        with statements() as seen:
            ask(books.fetch_page)
        assert len(seen) == 1
        with statements() as seen:
            ask(books.fetch_page, {"page[size]": "2"})
        assert len(seen) == 2

    def test_listings_narrow_what_is_visible(self, ask: Ask) -> None:
        lent = books.listing(lambda _claims: Book.is_lent.is_(True), sort="-title")
        assert ids(ask.json(lent)) == ["3"]
        nothing = books.listing(lambda _claims: False)
        assert ids(ask.json(nothing)) == []

    def test_what_is_not_listed_is_found_by_its_name_only(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(books, "listed", lambda claims: claims is not None or Book.title != "Lathe")
        asked = json.dumps([{"name": "books", "op": "any", "val": {"name": "title", "op": "eq", "val": "Lathe"}}])

        def found(user: Any = None) -> list[list[str]]:
            """In the list, in the related one, in its linkage, included, and by a filter."""
            [writer] = ask.json(authors.fetch, {"include": "books"}, id_="10", token_info=user)["included"][-1:]
            return [
                ids(ask.json(books.fetch_page, token_info=user)),
                ids(ask.json(authors.fetch_related("books"), id_="10", token_info=user)),
                ids(ask.json(authors.fetch_linkage("books"), id_="10", token_info=user)),
                [writer["id"]],
                ids(ask.json(authors.fetch_page, {"filter": asked}, token_info=user)),
            ]

        assert found() == [["1", "3"], ["1"], ["1"], ["1"], []]
        assert found(claims(3)) == [["1", "2", "3"], ["1", "2"], ["1", "2"], ["2"], ["10"]]
        assert ask(books.fetch, id_="lathe").status_code == 200

    def test_hand_written_lists(self, db: Session) -> None:
        document = books.page(db, None, Book.author_id == 10)
        assert (ids(document), document["meta"]) == (["1", "2"], {"count": 2})

    def test_the_resource_has_a_sort_of_its_own(self, ask: Ask) -> None:
        assert ids(ask.json(library.tags.fetch_page, {"sort": ""})) == ["1", "2"]
        assert ids(ask.json(library.tags.fetch_page, {"sort": "-name"})) == ["2", "1"]


@pytest.mark.usefixtures("shelf")
class TestIncludes:
    def test_each_resource_is_included_once_and_linked_fully(self, ask: Ask) -> None:
        document = ask.json(books.fetch_page, {"include": "author,reviews.book,tags,blurb"})
        assert included(document) == [
            ("author", "10"),
            ("author", "11"),
            ("blurb", "1"),
            ("review", "1"),
            ("review", "2"),
            ("review", "4"),
            ("tag", "1"),
            ("tag", "2"),
        ]
        first, second, third = (item["relationships"] for item in document["data"])
        assert first["reviews"]["data"] == [{"type": "review", "id": "1"}, {"type": "review", "id": "2"}]
        assert first["tags"]["data"] == [{"type": "tag", "id": "1"}, {"type": "tag", "id": "2"}]
        assert (second["reviews"]["data"], second["blurb"]["data"]) == ([], None)
        assert third["blurb"]["data"] == {"type": "blurb", "id": "1"}

    def test_one_statement_per_relation_however_many_rows(
        self, ask: Ask, db: Session, statements: Callable[[], Any]
    ) -> None:
        query = {"include": "author.books,reviews.book,tags,blurb,sequel-of,good-reviews"}

        def count() -> int:
            with statements() as seen:
                ask(books.fetch_page, query)
            return len(seen)

        before = count()
        assert before == 1 + 8
        stock(db, *(Book(title=f"b{n}", author_id=10, reviews=[Review(writer_id=1, stars=1)]) for n in range(15)))
        assert count() == before

    def test_primary_data_is_not_included_again(self, ask: Ask) -> None:
        document = ask.json(books.fetch_page, {"include": "author.books"})
        assert included(document) == [("author", "10"), ("author", "11")]
        [le_guin] = [item for item in document["included"] if item["id"] == "10"]
        assert le_guin["relationships"]["books"]["data"] == [{"type": "book", "id": "1"}, {"type": "book", "id": "2"}]

    def test_others_of_the_same_type_are_included(self, ask: Ask) -> None:
        document = ask.json(books.fetch, {"include": "sequel-of"}, id_="2")
        assert included(document) == [("book", "1")]
        assert document["data"]["relationships"]["sequel-of"]["data"] == {"type": "book", "id": "1"}
        document = ask.json(books.fetch, {"include": "sequels"}, id_="1")
        assert included(document) == [("book", "2")]

    def test_an_empty_relation_leaves_an_empty_included(self, ask: Ask) -> None:
        assert ask.json(books.fetch, {"include": "author"}, id_="draft", token_info=claims(2))["included"] == []

    def test_conditions_of_a_relation_hold(self, ask: Ask) -> None:
        data = ask.json(books.fetch, {"include": "good-reviews"}, id_="1")["data"]
        assert data["relationships"]["good-reviews"]["data"] == [{"type": "review", "id": "1"}]

    def test_what_the_caller_may_not_see_is_neither_included_nor_linked(self, ask: Ask) -> None:
        def seen(user: Any) -> tuple[Any, Any]:
            document = ask.json(books.fetch, {"include": "reviews"}, id_="1", token_info=user)
            linked = [item["id"] for item in document["data"]["relationships"]["reviews"]["data"]]
            return linked, [identity for _, identity in included(document)]

        assert seen(None) == (["1", "2"], ["1", "2"])
        assert seen(claims(5)) == (["1", "2"], ["1", "2"])
        assert seen(claims(7)) == (["1", "2", "3"], ["1", "2", "3"])

    def test_a_hidden_to_one_is_empty(self, ask: Ask, db: Session) -> None:
        db.get_one(Book, 2).sequel_of_id = 4
        db.commit()
        data = ask.json(books.fetch, {"include": "sequel-of"}, id_="2")["data"]
        assert data["relationships"]["sequel-of"]["data"] is None

    def test_relations_with_a_level_are_followed_where_it_is_held(self, ask: Ask) -> None:
        document = ask.json(books.fetch_page, {"include": "owner-reviews"}, token_info=claims(1))
        linked = {item["id"]: item["relationships"].get("owner-reviews", {}).get("data") for item in document["data"]}
        assert linked == {
            "1": [{"type": "review", "id": "1"}, {"type": "review", "id": "2"}],
            "2": None,
            "3": [{"type": "review", "id": "4"}],
        }
        assert ask.json(books.fetch_page, {"include": "owner-reviews"})["included"] == []

    def test_levels_hold_for_included_rows_too(self, ask: Ask) -> None:
        document = ask.json(authors.fetch, {"include": "books"}, id_="10", token_info=claims(1))
        notes = {item["id"]: item["attributes"].get("buyer-note", "absent") for item in document["included"]}
        assert notes == {"1": "n1", "2": "absent"}

    @pytest.mark.parametrize("path", ["nothing", "author.nothing", "shelf", "title", "reviews.book.x"])
    def test_unknown_relations_are_refused(self, ask: Ask, path: str) -> None:
        for function in (books.fetch_page, books.fetch):
            with pytest.raises(BadRequest) as caught:
                ask(function, {"include": path}, id_="1")
            assert (caught.value.code, caught.value.source) == ("include-invalid", {"parameter": "include"})

    def test_a_document_does_not_drag_in_the_world(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(includes, "MAX_INCLUDED", 2)
        assert len(ask.json(books.fetch, {"include": "reviews"}, id_="1")["included"]) == 2
        with pytest.raises(BadRequest) as caught:
            ask(books.fetch_page, {"include": "reviews"})
        assert caught.value.code == "include-too-large"

    def test_unknown_relations_are_refused_also_for_an_empty_list(self, ask: Ask) -> None:
        with pytest.raises(BadRequest):
            ask(library.blurbs.fetch_page, {"include": "nothing", "filter": '{"name":"id","op":"eq","val":99}'})


@pytest.mark.usefixtures("shelf")
class TestFields:
    def test_only_what_was_asked_for(self, ask: Ask) -> None:
        query = {"fields[book]": "title,author", "fields[author]": "", "include": "author", "fields[nobody]": "x"}
        document = ask.json(books.fetch, query, id_="1")
        assert document["data"]["attributes"] == {"title": "Dispossessed"}
        assert list(document["data"]["relationships"]) == ["author"]
        assert [(item["attributes"], "relationships" in item) for item in document["included"]] == [({}, False)]

    @pytest.mark.parametrize("name", ["nothing", "secret"])
    def test_unknown_names_are_refused(self, ask: Ask, name: str) -> None:
        with pytest.raises(BadRequest) as caught:
            ask(books.fetch, {"fields[book]": f"title,{name}"}, id_="1")
        assert caught.value.source == {"parameter": "fields[book]"}
        assert caught.value.detail == f"“book” has no “{name}”."

    def test_unknown_names_of_other_known_types_are_refused_too(self, ask: Ask) -> None:
        with pytest.raises(BadRequest):
            ask(books.fetch, {"fields[author]": "nothing"}, id_="1")

    def test_asking_does_not_lift_a_level(self, ask: Ask) -> None:
        data = ask.json(books.fetch, {"fields[book]": "buyer-note"}, id_="1", token_info=claims(2))["data"]
        assert data["attributes"] == {}


@pytest.mark.usefixtures("shelf")
class TestRelated:
    def test_to_many_is_a_page(self, ask: Ask) -> None:
        query = {"page[size]": "1", "sort": "-stars"}
        document = ask.json(library.list_reviews_of_book, query, path="/v1/books/1/reviews", id_="1")
        assert (ids(document), document["meta"]) == (["1"], {"count": 2})
        assert document["links"]["next"].startswith("/v1/books/1/reviews?")

    def test_to_many_takes_filters_and_hides_what_is_hidden(self, ask: Ask) -> None:
        query = {"filter": '[{"name":"stars","op":"ge","val":3}]'}
        assert ids(ask.json(library.list_reviews_of_book, query, id_="1")) == ["1"]
        assert ids(ask.json(library.list_reviews_of_book, query, id_="1", token_info=claims(7))) == ["1", "3"]

    def test_many_to_many_counts_each_once(self, ask: Ask) -> None:
        document = ask.json(library.list_tags_of_book, id_="dispo")
        assert (ids(document), document["meta"]) == (["1", "2"], {"count": 2})

    def test_to_one_is_a_resource(self, ask: Ask) -> None:
        assert ask.json(library.get_author_of_book, id_="1")["data"]["id"] == "10"
        assert ask.json(library.get_blurb_of_book, id_="3")["data"]["attributes"] == {"text": "Ocean!"}

    def test_an_empty_to_one_is_not_found(self, ask: Ask) -> None:
        for function, value in ((library.get_blurb_of_book, "1"), (library.get_author_of_book, "4")):
            with pytest.raises(NotFound):
                ask(function, id_=value, token_info=claims(2))

    def test_the_parent_has_to_be_visible(self, ask: Ask) -> None:
        with pytest.raises(NotFound) as caught:
            ask(library.list_reviews_of_book, id_="4")
        assert caught.value.detail == "There is no such book."

    def test_a_level_on_the_relation_is_asked_of_the_parent(self, ask: Ask) -> None:
        assert ids(ask.json(library.list_owner_reviews, id_="1", token_info=claims(1))) == ["1", "2"]
        with pytest.raises(Forbidden):
            ask(library.list_owner_reviews, id_="1", token_info=claims(2))

    def test_a_hook_may_refuse(self, ask: Ask) -> None:
        guarded = books.fetch_related("reviews", may=lambda _db, _claims, book: book.id == 3)
        assert ids(ask.json(guarded, id_="3")) == ["4"]
        with pytest.raises(Forbidden):
            ask(guarded, id_="1")

    def test_linkage(self, ask: Ask) -> None:
        def linkage(relation: str, value: str = "1") -> Any:
            return ask.json(books.fetch_linkage(relation), id_=value)

        assert linkage("reviews") == {
            "data": [{"type": "review", "id": "1"}, {"type": "review", "id": "2"}],
            "links": {"self": "/v1/books/1/relationships/reviews", "related": "/v1/books/dispo/reviews"},
            "jsonapi": {"version": "1.0"},
        }
        assert linkage("author")["data"] == {"type": "author", "id": "10"}
        assert linkage("blurb")["data"] is None
        assert linkage("tags")["data"] == [{"type": "tag", "id": "1"}, {"type": "tag", "id": "2"}]


@pytest.mark.usefixtures("shelf")
class TestHeaders:
    def test_media_type_and_tag(self, ask: Ask) -> None:
        answer = ask(books.fetch, id_="1")
        assert answer.content_type == "application/vnd.api+json"
        assert answer.headers["ETag"].startswith('W/"')

    def test_the_same_body_is_not_sent_again(self, ask: Ask, db: Session) -> None:
        tag = ask(books.fetch_page).headers["ETag"]
        again = ask(books.fetch_page, headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.get_data(), again.headers["ETag"]) == (304, b"", tag)
        db.get_one(Book, 1).title = "Changed"
        db.commit()
        assert ask(books.fetch_page, headers={"If-None-Match": tag}).status_code == 200


def test_operations_attract_path_parameters_only() -> None:
    from connexion.utils import inspect_function_arguments

    assert inspect_function_arguments(books.fetch_page) == (["token_info"], False)
    assert inspect_function_arguments(books.fetch) == (["token_info"], False)
    assert inspect_function_arguments(books.update) == (["body", "token_info"], False)
    assert inspect_function_arguments(library.list_reviews_of_book) == (["token_info"], False)


@pytest.mark.usefixtures("shelf")
def test_documents_are_json(ask: Ask) -> None:
    assert json.loads(ask(books.fetch_page, token_info=claims(1)).get_data())["meta"] == {"count": 3}
