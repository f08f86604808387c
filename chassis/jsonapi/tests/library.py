"""A library, to try resources on: shelves and authors, books that readers borrow, reviews that are not for everyone."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

import chassis.db
from chassis.auth import Claims
from chassis.jsonapi import Resource
from chassis.replicas import Replica


class Base(chassis.db.Base, DeclarativeBase):
    __abstract__ = True
    metadata = MetaData()


book_tags = sa.Table(
    "book_tags",
    Base.metadata,
    sa.Column("book_id", sa.ForeignKey("books.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tags.id"), primary_key=True),
)


class Author(Replica, Base):
    """Lives in another service; we hold a replica."""

    __tablename__ = "authors"
    name: Mapped[str]
    born_on: Mapped[dt.date | None]
    books: Mapped[list["Book"]] = relationship(back_populates="author", lazy="raise")


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))
    books: Mapped[list["Book"]] = relationship(secondary=book_tags, back_populates="tags", lazy="raise")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(sa.String(40), unique=True, default=lambda: f"b-{uuid.uuid4()}")
    title: Mapped[str] = mapped_column(sa.String(100))
    state: Mapped[str] = mapped_column(sa.Enum("draft", "published", name="book_state"), default="published")
    pages: Mapped[int | None] = mapped_column(sa.Integer)
    price_minor: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    weight: Mapped[Decimal | None] = mapped_column(sa.Numeric(6, 2))
    is_lent: Mapped[bool] = mapped_column(default=False)
    secret: Mapped[str | None]
    buyer_note: Mapped[str | None]
    extra: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    token: Mapped[uuid.UUID | None]
    published_at: Mapped[dt.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    created_at: Mapped[dt.datetime] = mapped_column(sa.DateTime(timezone=True), server_default=sa.func.now())
    deleted_at: Mapped[dt.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    owner_id: Mapped[int] = mapped_column(default=1)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("authors.id"))
    sequel_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("books.id"))
    shelf_id: Mapped[int | None]  # shelves live elsewhere, without a replica

    author: Mapped[Author | None] = relationship(back_populates="books", lazy="raise")
    reviews: Mapped[list["Review"]] = relationship(back_populates="book", lazy="raise")
    blurb: Mapped["Blurb | None"] = relationship(back_populates="book", uselist=False, lazy="raise")
    tags: Mapped[list[Tag]] = relationship(secondary=book_tags, back_populates="books", lazy="raise")
    sequel_of: Mapped["Book | None"] = relationship(remote_side="Book.id", back_populates="sequels", lazy="raise")
    sequels: Mapped[list["Book"]] = relationship(back_populates="sequel_of", lazy="raise")
    good_reviews: Mapped[list["Review"]] = relationship(
        primaryjoin="and_(Book.id == foreign(Review.book_id), Review.stars >= 4)", viewonly=True, lazy="raise"
    )


class Review(Base):
    """Hidden ones are seen by their writer only."""

    __tablename__ = "reviews"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id"))
    writer_id: Mapped[int]
    stars: Mapped[int] = mapped_column(sa.SmallInteger)
    text: Mapped[str] = mapped_column(default="")
    is_hidden: Mapped[bool] = mapped_column(default=False)
    book: Mapped[Book] = relationship(back_populates="reviews", lazy="raise")


class Blurb(Base):
    __tablename__ = "blurbs"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id"), unique=True)
    text: Mapped[str]
    book: Mapped[Book] = relationship(back_populates="blurb", lazy="raise")


def _type(attributes: dict[str, Any], **relationships: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "id": {"type": "string"},
            "attributes": {"type": "object", "properties": attributes},
            "relationships": {
                "type": "object",
                "properties": {name.replace("_", "-"): part for name, part in relationships.items()},
            },
        },
    }


TEXT = {"type": "string"}
READ_ONLY_TIME = {"type": "string", "format": "date-time", "readOnly": True}


def one(resource_type: str, **more: Any) -> dict[str, Any]:
    return {"x-type": resource_type, **more}


def many(resource_type: str, **more: Any) -> dict[str, Any]:
    return {"x-type": resource_type, "x-many": True, **more}


SPEC: dict[str, Any] = {
    "openapi": "3.0.3",
    "paths": {"/v1/books/{id_}/relationships/author": {}},
    "components": {
        "schemas": {
            "book": _type(
                {
                    "identifier": {**TEXT, "readOnly": True},
                    "title": TEXT,
                    "state": TEXT,
                    "pages": {"type": "integer", "nullable": True},
                    "price": {"type": "number", "readOnly": True},
                    "weight": {"type": "number"},
                    "is-lent": {"type": "boolean"},
                    "secret": {**TEXT, "writeOnly": True},
                    "buyer-note": {**TEXT, "nullable": True, "x-visible-to": "owner"},
                    "extra": {"type": "object", "nullable": True},
                    "token": {"type": "string", "format": "uuid"},
                    "shout": {**TEXT, "readOnly": True},
                    "published-at": {"type": "string", "format": "date-time"},
                    "created-at": READ_ONLY_TIME,
                    "deleted-at": {"type": "string", "format": "date-time", "nullable": True},
                },
                author=one("author"),
                reviews=many("review", readOnly=True),
                good_reviews=many("review", readOnly=True),
                owner_reviews=many("review", readOnly=True, **{"x-visible-to": "owner"}),
                blurb=one("blurb", readOnly=True),
                tags=many("tag"),
                sequel_of=one("book"),
                sequels=many("book", readOnly=True),
                shelf=one("shelf"),
            ),
            "author": _type({"name": TEXT, "born-on": {"type": "string", "format": "date"}}, books=many("book")),
            "review": _type(
                {"stars": {"type": "integer"}, "text": TEXT, "is-hidden": {"type": "boolean"}}, book=one("book")
            ),
            "blurb": _type({"text": TEXT}, book=one("book")),
            "tag": _type({"name": TEXT}, books=many("book")),
        }
    },
}

changes: list[tuple[str, int]] = []
asked_elsewhere: list[str] = []


def books_of_caller(claims: Claims | None) -> sa.ColumnElement[bool] | bool:
    if claims is None:
        return Book.state == "published"
    return True if claims.is_admin else sa.or_(Book.state == "published", Book.owner_id == claims.user_id)


def reviews_of_caller(claims: Claims | None) -> sa.ColumnElement[bool] | bool:
    hidden = Review.is_hidden.is_(False)
    return hidden if claims is None else sa.or_(hidden, Review.writer_id == claims.user_id)


def owns_book(_db: Any, claims: Claims | None, row: Book) -> bool:
    return claims is not None and (claims.is_admin or row.owner_id == claims.user_id)


def note_owner(_db: Any, claims: Claims, values: dict[str, Any], _related: dict[str, Any]) -> None:
    values["owner_id"] = claims.user_id


books = Resource(
    "book",
    Book,
    spec=SPEC,
    visible=books_of_caller,
    levels={"owner": lambda claims: Book.owner_id == claims.user_id},
    columns={"price": Book.price_minor / sa.literal(Decimal(100))},
    computed={"price": lambda book: book.price_minor / 100, "shout": lambda book: book.title.upper()},
    relations={"owner-reviews": Book.reviews},
    links={"reviews": "/v1/books/{identifier}/reviews"},
    before_create=note_owner,
    may_create=owns_book,
    may_change=owns_book,
    after_change=lambda _db, book: changes.append(("changed", book.id)),
    after_delete=lambda _db, book: changes.append(("deleted", book.id)),
)
authors = Resource("author", Author, spec=SPEC, path="/v1/writers")
reviews = Resource("review", Review, spec=SPEC, visible=reviews_of_caller)
blurbs = Resource("blurb", Blurb, spec=SPEC)
tags = Resource("tag", Tag, spec=SPEC, sort="name")

list_reviews_of_book = books.fetch_related("reviews")
get_author_of_book = books.fetch_related("author")
get_blurb_of_book = books.fetch_related("blurb")
list_tags_of_book = books.fetch_related("tags")
list_owner_reviews = books.fetch_related("owner-reviews")
list_books, get_book = books.fetch_page, books.fetch
create_book, update_book, delete_book = books.create, books.update, books.delete
