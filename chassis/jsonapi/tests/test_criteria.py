"""Filters and sorting against the database: exact rows, no leaks, and no text that becomes SQL."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from chassis import db as chassis_db
from chassis.errors import BadRequest
from chassis.jsonapi import criteria
from chassis.jsonapi.filters import OPS, parse_filter
from chassis.jsonapi.tests.conftest import Ask, claims
from chassis.jsonapi.tests.library import Author, Blurb, Book, Review, books, reviews
from chassis.jsonapi.viewer import Viewer

TOKEN = uuid.UUID("6f1c2f0e-2f4a-4f57-9a55-2a2f7a0d2f11")
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def shelf(db: Session) -> None:
    rows = [
        Author(id=10, name="Le Guin", born_on=dt.date(1929, 10, 21)),
        Author(id=11, name="Lem"),
        Author(id=12, name="Gone", is_deleted=True),
        Book(
            title="Dispossessed",
            author_id=10,
            pages=341,
            price_minor=1050,
            published_at=NOON,
            buyer_note="gift",
            weight=1,
        ),
        Book(title="Lathe 100%", author_id=10, pages=184, price_minor=999, owner_id=2, buyer_note="gift", token=TOKEN),
        Book(title="Solaris_", author_id=11, is_lent=True, price_minor=500, owner_id=2, extra={"a": 1}),
        Book(title="Draft", author_id=12, owner_id=3, state="draft", sequel_of_id=1, shelf_id=77),
        Review(book_id=1, writer_id=5, stars=5, text="Dispossessed"),
        Review(book_id=1, writer_id=7, stars=1, text="psst", is_hidden=True),
        Review(book_id=3, writer_id=5, stars=3, text="wet"),
        Blurb(book_id=3, text="Ocean!"),
    ]
    for row in rows:
        db.add(row)
        db.flush()
    db.commit()


def found(ask: Ask, content: Any, user: Any = None, resource: Any = books) -> list[int]:
    text = content if isinstance(content, str) else json.dumps(content)
    return [int(item["id"]) for item in ask.json(resource.fetch_page, {"filter": text}, token_info=user)["data"]]


def refusal(ask: Ask, content: Any, user: Any = None) -> str:
    with pytest.raises(BadRequest) as caught:
        found(ask, content, user)
    assert (caught.value.code, caught.value.source) == ("filter-invalid", {"parameter": "filter"})
    return caught.value.detail


@pytest.mark.parametrize(
    ("name", "op", "value", "rows"),
    [
        ("title", "eq", "Draft", []),
        ("title", "eq", "Solaris_", [3]),
        ("title", "ne", "Solaris_", [1, 2]),
        ("title", "like", "%s%", [1, 3]),
        ("title", "like", "S%", [3]),
        ("title", "ilike", "%LA%", [2, 3]),
        ("title", "notlike", "S%", [1, 2]),
        ("title", "notilike", "%la%", [1]),
        ("title", "startswith", "Solaris_", [3]),
        ("title", "startswith", "S_laris", []),
        ("title", "endswith", "%", [2]),
        ("title", "contains", "100%", [2]),
        ("title", "contains", "o%s", []),
        ("title", "in_", ["Solaris_", "Dispossessed"], [1, 3]),
        ("title", "in", [], []),
        ("title", "notin_", ["Solaris_"], [1, 2]),
        ("title", "notin_", [], [1, 2, 3]),
        ("title", "gt", "E", [2, 3]),
        ("pages", "eq", 341, [1]),
        ("pages", "eq", "341", [1]),
        ("pages", "eq", None, [3]),
        ("pages", "ne", None, [1, 2]),
        ("pages", "is_", None, [3]),
        ("pages", "isnot", None, [1, 2]),
        ("pages", "ne", 341, [2]),
        ("pages", "between", [184, 341], [1, 2]),
        ("pages", "lt", 341, [2]),
        ("pages", "le", 341, [1, 2]),
        ("pages", "ge", 185, [1]),
        ("price", "eq", 10.5, [1]),
        ("price", "gt", "9.98", [1, 2]),
        ("weight", "eq", 1, [1]),
        ("is-lent", "eq", True, [3]),
        ("is-lent", "eq", "true", [3]),
        ("is_lent", "eq", "false", [1, 2]),
        ("is_lent", "is_", False, [1, 2]),
        ("is_lent", "isnot", "false", [3]),
        ("state", "eq", "draft", []),
        ("token", "eq", str(TOKEN), [2]),
        ("published-at", "eq", "2026-11-24T12:00:00.000Z", [1]),
        ("published-at", "gt", "2026-11-24T13:00:00.000+02:00", [1]),
        ("published_at", "lt", "2026-11-24", []),
        ("extra", "ne", None, [3]),
        ("id", "eq", "2", [2]),
        ("id", "in_", ["2", 3], [2, 3]),
        ("author_id", "eq", "10", [1, 2]),
        ("author-id", "isnot", None, [1, 2, 3]),
        ("shelf_id", "eq", 77, []),
        ("author", "ne", None, [1, 2, 3]),
        ("blurb", "eq", None, [1, 2]),
        ("blurb", "isnot", None, [3]),
        ("reviews", "ne", None, [1, 3]),
        ("shelf", "eq", None, [1, 2, 3]),
    ],
)
def test_comparisons(ask: Ask, name: str, op: str, value: Any, rows: list[int]) -> None:
    assert found(ask, [{"name": name, "op": op, "val": value}]) == rows


def test_one_attribute_with_another(ask: Ask) -> None:
    assert found(ask, [{"name": "published-at", "op": "gt", "field": "published_at"}]) == []
    assert found(ask, [{"name": "created-at", "op": "eq", "field": "created-at"}]) == [1, 2, 3]
    assert found(ask, [{"name": "published-at", "op": "ge", "field": "published_at"}]) == [1]


def test_groups(ask: Ask) -> None:
    lent = {"name": "is-lent", "op": "eq", "val": True}
    long = {"name": "pages", "op": "gt", "val": 200}
    assert found(ask, [{"or": [lent, long]}]) == [1, 3]
    assert found(ask, [lent, long]) == []
    assert found(ask, [{"not": {"or": [lent, long]}}]) == [2]
    assert found(ask, [{"not": [{"not": lent}]}]) == [3]
    assert found(ask, [{"or": []}]) == [1, 2, 3]


def test_relations(ask: Ask) -> None:
    name = {"name": "name", "op": "ilike", "val": "le g%"}
    assert found(ask, [{"name": "author", "op": "has", "val": name}]) == [1, 2]
    assert found(ask, [{"not": {"name": "author", "op": "has", "val": name}}]) == [3]
    assert found(ask, [{"name": "reviews", "op": "any", "val": {"name": "stars", "op": "ge", "val": 3}}]) == [1, 3]
    assert found(ask, [{"name": "blurb", "op": "has", "val": None}]) == [3]
    assert found(ask, [{"name": "good-reviews", "op": "any", "val": {"and": []}}]) == [1]


def test_relations_may_lead_back(ask: Ask) -> None:
    """Books by authors of a lent book: the inner book is another one than the outer."""
    lent = {"name": "is-lent", "op": "eq", "val": True}
    long = {"name": "pages", "op": "gt", "val": 300}
    assert found(ask, [{"name": "author", "op": "has", "val": {"name": "books", "op": "any", "val": lent}}]) == [3]
    assert found(ask, [{"name": "author", "op": "has", "val": {"name": "books", "op": "any", "val": long}}]) == [1, 2]


def test_relations_to_the_same_type(ask: Ask) -> None:
    is_first = {"name": "title", "op": "eq", "val": "Dispossessed"}
    assert found(ask, [{"name": "sequel-of", "op": "has", "val": is_first}], claims(3)) == [4]
    is_draft = {"name": "title", "op": "eq", "val": "Draft"}
    assert found(ask, [{"name": "sequels", "op": "any", "val": is_draft}], claims(3)) == [1]


class TestLeaks:
    def test_through_the_negation_of_a_protected_attribute(self, ask: Ask) -> None:
        gift = {"name": "buyer-note", "op": "eq", "val": "gift"}
        assert found(ask, [gift], claims(1)) == [1]
        assert found(ask, [gift], claims(2)) == [2]
        assert found(ask, [{"not": gift}], claims(2)) == []
        assert found(ask, [{"not": {"name": "buyer-note", "op": "eq", "val": "x"}}], claims(1)) == [1]
        assert found(ask, [gift]) == found(ask, [{"not": gift}]) == []
        assert found(ask, [{"name": "buyer-note", "op": "eq", "val": None}], claims(2)) == [3]

    def test_through_comparison_with_a_protected_attribute(self, ask: Ask) -> None:
        assert found(ask, [{"name": "title", "op": "ne", "field": "buyer-note"}], claims(1)) == [1]
        assert found(ask, [{"not": {"name": "title", "op": "eq", "field": "buyer-note"}}], claims(1)) == [1]
        assert found(ask, [{"name": "title", "op": "ne", "field": "buyer-note"}]) == []

    def test_through_a_relation_to_what_is_hidden(self, ask: Ask) -> None:
        content = [{"name": "reviews", "op": "any", "val": {"name": "text", "op": "eq", "val": "psst"}}]
        assert (found(ask, content), found(ask, content, claims(7))) == ([], [1])

    def test_through_a_relation_to_a_protected_attribute(self, ask: Ask) -> None:
        content = [{"name": "book", "op": "has", "val": {"name": "buyer-note", "op": "eq", "val": "gift"}}]
        assert found(ask, content, claims(1), reviews) == [1]
        assert found(ask, content, claims(2), reviews) == []

    def test_through_a_relation_with_a_level(self, ask: Ask) -> None:
        content = [{"name": "owner-reviews", "op": "any", "val": {"name": "stars", "op": "eq", "val": 5}}]
        assert (found(ask, content, claims(1)), found(ask, content, claims(2))) == ([1], [])
        assert found(ask, [{"not": content[0]}], claims(2)) == [2, 3]

    def test_through_a_deleted_row(self, ask: Ask) -> None:
        content = [{"name": "author", "op": "has", "val": {"name": "name", "op": "eq", "val": "Gone"}}]
        assert found(ask, content, claims(3)) == []

    def test_through_sorting_by_a_protected_attribute(self, ask: Ask) -> None:
        """Notes decide the order of own books only; the others stand together, by id."""
        with chassis_db.transaction() as db:
            for identity, note in ((1, "c"), (2, "b"), (3, "a")):
                db.get_one(Book, identity).buyer_note = note

        def order(sort: str, user: Any) -> list[str]:
            return [item["id"] for item in ask.json(books.fetch_page, {"sort": sort}, token_info=user)["data"]]

        assert order("buyer-note", claims(2)) == ["3", "2", "1"]
        assert order("buyer-note", claims(1)) == ["1", "2", "3"]
        assert order("-buyer-note", None) == ["1", "2", "3"]
        assert order("buyer-note", claims(9, "admin")) == ["3", "2", "1", "4"]

    @pytest.mark.parametrize(
        "name", ["secret", "nothing", "owner_id", "__class__", "metadata", "title; DROP TABLE books", "shout"]
    )
    def test_hidden_and_unknown_names_get_the_same_sentence(self, ask: Ask, name: str) -> None:
        expected = f"“book” has no attribute or relation “{name}” to filter by."
        assert refusal(ask, [{"name": name, "op": "eq", "val": "x"}]) == expected
        assert refusal(ask, [{"name": "title", "op": "eq", "field": name}]) == expected
        assert refusal(ask, [{"name": name, "op": "any"}]) == expected


@pytest.mark.parametrize(
    ("name", "op", "value", "sentence"),
    [
        ("pages", "eq", "many", "“pages” has to be a whole number."),
        ("pages", "eq", 2**40, "“pages” is too large a number."),
        ("pages", "like", "1%", "“pages” is no text, so “like” cannot be asked."),
        ("weight", "eq", 99999, "“weight” is too large a number."),
        ("price", "eq", "NaN", "“price” has to be a number."),
        ("is_lent", "eq", "perhaps", "“is_lent” has to be true or false."),
        ("state", "eq", "burnt", "“state” has to be one of draft, published."),
        ("published-at", "ge", "soon", "“published_at” has to be a time such as 2026-11-24T10:00:00Z."),
        ("token", "eq", "x", "“token” has to be a UUID."),
        ("title", "eq", {"a": 1}, "“title” has to be text."),
        ("title", "eq", "a\x00", "“title” cannot contain a NUL character."),
        ("title", "ilike", "a\x00", "“ilike” takes a text."),
        ("title", "ilike", "a\\", "A pattern cannot end with a single backslash."),
        ("title", "ilike", "%a" * 11, "A pattern has at most 200 characters and 10 wildcards."),
        ("title", "contains", "a" * 201, "A pattern has at most 200 characters and 10 wildcards."),
        ("title", "is_", "x", "“is_” compares with null; for other values use eq or ne."),
        ("is-lent", "gt", True, "“is_lent” is true or false: ask with eq or ne."),
        ("is-lent", "le", "false", "“is_lent” is true or false: ask with eq or ne."),
        ("is-lent", "between", [False, True], "“is_lent” is true or false: ask with eq or ne."),
        ("extra", "eq", {"a": 1}, "“extra” can only be compared with null."),
        ("author", "eq", 10, "“author” is a relation: ask with has or any, or compare it with null."),
        ("author", "any", {}, "“author” is asked with has."),
        ("reviews", "has", {}, "“reviews” is asked with any."),
        ("shelf", "has", None, "“book” has no attribute or relation “shelf” to filter by."),
        (
            "author",
            "has",
            {"name": "x", "op": "eq", "val": 1},
            "“author” has no attribute or relation “x” to filter by.",
        ),
    ],
)
def test_what_cannot_be_asked_is_said(ask: Ask, name: str, op: str, value: Any, sentence: str) -> None:
    if op in ("any", "has") and value == {}:
        value = None
    assert refusal(ask, [{"name": name, "op": op, "val": value}]) == sentence


def test_attributes_of_different_kinds_do_not_compare(ask: Ask) -> None:
    assert refusal(ask, [{"name": "title", "op": "eq", "field": "pages"}]).endswith("are not the same kind of value.")
    assert refusal(ask, [{"name": "title", "op": "like", "field": "state"}]).endswith("not the same kind of value.")
    assert (
        refusal(ask, [{"name": "title", "op": "like", "field": "title"}]) == "“like” does not compare two attributes."
    )


class TestSorting:
    def order(self, ask: Ask, sort: str, user: Any = None) -> list[str]:
        return [item["id"] for item in ask.json(books.fetch_page, {"sort": sort}, token_info=user)["data"]]

    def test_by_attributes_then_by_id(self, ask: Ask) -> None:
        assert self.order(ask, "title") == ["1", "2", "3"]
        assert self.order(ask, "-title") == ["3", "2", "1"]
        assert self.order(ask, "-price") == ["1", "2", "3"]
        assert self.order(ask, "is-lent,-pages") == ["1", "2", "3"]
        assert self.order(ask, "state") == ["1", "2", "3"]
        assert self.order(ask, "-id") == ["3", "2", "1"]

    def test_by_an_attribute_of_a_to_one_relation(self, ask: Ask) -> None:
        assert self.order(ask, "-author.name") == ["3", "1", "2"]
        assert self.order(ask, "author.name,-title") == ["2", "1", "3"]
        assert self.order(ask, "blurb.text") == ["3", "1", "2"]

    def test_hidden_rows_do_not_decide_the_order(self, ask: Ask) -> None:
        """Author 12 is deleted, so that the draft's author counts as nobody, and stands last."""
        with chassis_db.transaction() as db:
            db.get_one(Author, 12).name = "Aaa"
        assert self.order(ask, "author.name", claims(3)) == ["1", "2", "3", "4"]

    @pytest.mark.parametrize(
        "sort",
        [
            "nothing",
            "secret",
            "shout",
            "extra",
            "owner_id",
            "author.nothing",
            "shelf.id",
            "reviews.stars",
            "sequel-of.title",
            "author",
        ],
    )
    def test_by_nothing_else(self, ask: Ask, sort: str) -> None:
        with pytest.raises(BadRequest) as caught:
            self.order(ask, sort)
        assert (caught.value.code, caught.value.source) == ("sort-invalid", {"parameter": "sort"})


names = st.sampled_from(
    [
        "title",
        "pages",
        "price",
        "weight",
        "is-lent",
        "state",
        "token",
        "published-at",
        "extra",
        "id",
        "author",
        "reviews",
        "buyer-note",
        "author_id",
        "sequels",
        "tags",
        "x'); --",
    ]
)
ops = st.sampled_from(sorted(OPS))
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "true",
            "2026-11-24T10:00:00Z",
            "0001-01-01",
            "9999-12-31T23:59:59-14:00",
            str(TOKEN),
            "1e400",
            "%",
            "\\",
            "\\\\",
            "'",
            "draft",
            "9" * 19,
            "-5",
            "infinity",
        ]
    )
)
plain_conditions = st.fixed_dictionaries({"name": names, "op": ops, "val": scalars | st.lists(scalars, max_size=3)})
fields = st.fixed_dictionaries({"name": names, "op": ops, "field": names})
trees = st.recursive(
    plain_conditions | fields,
    lambda inner: (
        st.fixed_dictionaries({"or": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"and": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
        | st.fixed_dictionaries(
            {"name": st.sampled_from(["author", "sequel-of", "blurb"]), "op": st.just("has"), "val": inner}
        )
        | st.fixed_dictionaries(
            {"name": st.sampled_from(["reviews", "tags", "sequels"]), "op": st.just("any"), "val": inner}
        )
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(trees, max_size=3), user=st.sampled_from([None, claims(2), claims(9, "admin")]))
def test_any_filter_is_answered_or_refused(db: Session, content: Any, user: Any) -> None:
    """Whatever passes the parser runs in PostgreSQL as well, and never shows a draft to a stranger."""
    viewer = Viewer(user)
    try:
        conditions = criteria.where(viewer, books, parse_filter(json.dumps(content)))
    except BadRequest:
        return
    shown = {row[0].id for row in db.execute(viewer.view(books).select().where(*conditions))}
    assert shown <= ({1, 2, 3, 4} if user is not None and user.is_admin else {1, 2, 3})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=3, max_size=30), op=st.sampled_from(["eq", "ilike", "contains", "in_"]))
def test_text_never_becomes_sql(text: str, op: str) -> None:
    value: Any = [f"§{text}§"] if op == "in_" else f"§{text}§"
    try:
        node = parse_filter(json.dumps([{"name": "title", "op": op, "val": value}]))
        conditions = criteria.where(Viewer(None), books, node)
    except BadRequest:
        return
    statement = sa.select(Book.id).where(*conditions)
    assert "§" not in str(statement.compile(chassis_db.engine()))
