import pytest

from chassis.errors import BadRequest
from chassis.jsonapi.filters import Condition, Every, Related, Some, parse_filter
from chassis.jsonapi.grammar import PLAIN, Query, SortKey, parse


def of(**parameters: str) -> Query:
    return parse([(name.replace("__", "[") + ("]" if "__" in name else ""), text) for name, text in parameters.items()])


def refused(name: str, text: str) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse([(name, text)])
    return caught.value


def test_nothing_asked_is_the_first_twenty() -> None:
    assert parse([]) is PLAIN
    assert (PLAIN.page_size, PLAIN.page_number, PLAIN.sort, PLAIN.filter, PLAIN.include) == (20, 1, (), None, {})


def test_unknown_parameters_are_ignored() -> None:
    unknown = [("cache", "true"), ("public", "true"), ("code", "X"), ("filterOptions[name]", "a"), ("page[x]", "?")]
    assert parse(unknown) == PLAIN


def test_includes_are_a_tree() -> None:
    assert of(include="event,attendees.ticket,attendees.user,group.followers.user").include == {
        "event": {},
        "attendees": {"ticket": {}, "user": {}},
        "group": {"followers": {"user": {}}},
    }


def test_includes_are_dashed_or_underscored() -> None:
    assert of(include="discount-code,discount_code").include == {"discount_code": {}}


def test_an_empty_include_is_none() -> None:
    assert of(include="").include == {}
    assert of(include=" , ").include == {}


def test_includes_go_four_steps_deep() -> None:
    assert of(include="a.b.c.d").include == {"a": {"b": {"c": {"d": {}}}}}
    assert refused("include", "a.b.c.d.e").source == {"parameter": "include"}


def test_sort_keys_are_ordered() -> None:
    assert of(sort="starts-at,-order.completed_at").sort == (
        SortKey(("starts_at",), False, "starts-at"),
        SortKey(("order", "completed_at"), True, "-order.completed_at"),
    )


@pytest.mark.parametrize("text", ["a.b.c", ",".join("abcdefghijk")])
def test_sorting_is_bounded(text: str) -> None:
    assert (refused("sort", text).code, refused("sort", text).source) == ("sort-invalid", {"parameter": "sort"})


@pytest.mark.parametrize(("text", "size"), [("0", 1000), ("1", 1), ("20", 20), ("1000", 1000), ("5000", 1000)])
def test_page_sizes_end_at_a_thousand(text: str, size: int) -> None:
    assert of(page__size=text).page_size == size


@pytest.mark.parametrize("text", ["", "-1", "x", "1.5", "1e3", "٣", "99999999999"])
@pytest.mark.parametrize("name", ["page[size]", "page[number]"])
def test_pages_are_numbers(name: str, text: str) -> None:
    assert (refused(name, text).code, refused(name, text).source) == ("page-invalid", {"parameter": name})


def test_there_is_no_page_zero() -> None:
    assert refused("page[number]", "0").detail == "page[number] is a number, and the first page is 1."


def test_fields_by_type() -> None:
    assert of(fields__order="status,completed-at", fields__event="").fields == {
        "order": frozenset({"status", "completed_at"}),
        "event": frozenset(),
    }


def test_the_last_of_equal_parameters_counts() -> None:
    assert parse([("page[size]", "5"), ("page[size]", "7")]).page_size == 7


def test_shorthand_filters_join_the_filter() -> None:
    query = parse([("filter", '[{"name":"a","op":"gt","val":1}]'), ("filter[is-open]", "true")])
    assert query.filter == Every((Condition("a", "gt", 1), Condition("is_open", "eq", "true")))


def test_shorthand_filters_are_bounded() -> None:
    with pytest.raises(BadRequest):
        parse([(f"filter[a{number}]", "1") for number in range(21)])
    assert refused("filter[a]", "x" * 9000).source == {"parameter": "filter[a]"}


def test_trashed_and_permanent_are_noticed() -> None:
    assert of(get_trashed="true", permanent="true") == Query(wants_trashed=True, is_permanent=True)
    assert of(get_trashed="false", permanent="") == PLAIN


def test_a_real_filter_of_the_client() -> None:
    text = (
        '[{"and":[{"name":"event","op":"has","val":{"name":"starts-at","op":"ge","val":"2026-11-24T10:00:00.000Z"}},'
        '{"or":[{"name":"status","op":"eq","val":"completed"},{"name":"status","op":"eq","val":"placed"}]},'
        '{"name":"event","op":"has","val":{"name":"deleted-at","op":"eq","val":null}}]}]'
    )
    assert parse_filter(text) == Every(
        (
            Related("event", "has", Condition("starts_at", "ge", "2026-11-24T10:00:00.000Z")),
            Some((Condition("status", "eq", "completed"), Condition("status", "eq", "placed"))),
            Related("event", "has", Condition("deleted_at", "eq", None)),
        )
    )
