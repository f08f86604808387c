import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import BadRequest
from chassis.jsonapi.filters import OPS, Condition, Every, Node, Not, Related, Some, parse_filter


def tree(content: Any) -> Node | None:
    return parse_filter(json.dumps(content))


def refusal(content: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        parse_filter(content if isinstance(content, str) else json.dumps(content))
    assert (caught.value.code, caught.value.source) == ("filter-invalid", {"parameter": "filter"})
    return caught.value.detail


A = {"name": "a", "op": "eq", "val": 1}
B = {"name": "b", "op": "ne", "val": None}
IS_A, IS_B = Condition("a", "eq", 1), Condition("b", "ne", None)


def test_a_list_is_all_of_it() -> None:
    assert tree([A, B]) == Every((IS_A, IS_B))


def test_a_single_condition_stands_for_itself() -> None:
    assert tree(A) == tree([A]) == tree({"and": [A]}) == tree([{"or": [A]}]) == IS_A


@pytest.mark.parametrize("content", [[], [{"or": []}], [{"and": []}], {"or": [{"and": []}]}, [{"not": {"or": []}}]])
def test_empty_groups_restrict_nothing(content: Any) -> None:
    assert tree(content) is None


def test_no_text_restricts_nothing() -> None:
    assert parse_filter("") is parse_filter("  ") is None


def test_groups_nest() -> None:
    assert tree([{"not": {"or": [A, {"and": [A, B]}]}}]) == Not(Some((IS_A, Every((IS_A, IS_B)))))


def test_relations() -> None:
    assert tree({"name": "event", "op": "has", "val": A}) == Related("event", "has", IS_A)
    assert tree({"name": "sessions", "op": "any", "val": {"or": [A, B]}}) == Related(
        "sessions", "any", Some((IS_A, IS_B))
    )
    assert tree({"name": "event", "op": "has", "val": {"and": []}}) == Related("event", "has", None)
    assert tree({"name": "event", "op": "has"}) == Related("event", "has", None)


def test_operators_have_other_spellings() -> None:
    assert tree({"name": "a", "op": "in", "val": [1]}) == Condition("a", "in_", [1])
    assert tree({"name": "a", "op": "not_in", "val": []}) == Condition("a", "notin_", [])
    assert tree({"name": "a", "op": "is_not", "val": None}) == Condition("a", "isnot", None)


def test_fields_compare_with_each_other() -> None:
    assert tree({"name": "starts-at", "op": "lt", "field": "ends-at"}) == Condition("starts_at", "lt", field="ends_at")


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "nonsense",
        "[NaN]",
        '["\\ud800"]',
        [1],
        "1",
        [{}],
        [{"op": "eq", "val": 1}],
        [{"name": "", "op": "eq", "val": 1}],
        [{"name": ["a"], "op": "eq", "val": 1}],
        [{"name": "a", "op": "drop", "val": 1}],
        [{"name": "a", "op": ["eq"], "val": 1}],
        [{"name": "a", "op": "eq"}],
        [{"name": "a", "op": "gt", "val": None}],
        [{"name": "a", "op": "in_", "val": 1}],
        [{"name": "a", "op": "between", "val": [1]}],
        [{"name": "a", "op": "in_", "field": "b"}],
        [{"name": "a", "op": "eq", "field": 1}],
        [{"and": A}],
        [{"and": [A], "or": [B]}],
        [{"and": [A], "name": "a"}],
        [{"name": "a", "op": "in_", "val": list(range(1001))}],
        [A] * 51,
        "[" * 600 + "]" * 600,
        json.dumps([{"name": "a", "op": "eq", "val": "x" * 9000}]),
    ],
)
def test_what_is_not_a_filter_is_refused_with_a_sentence(content: Any) -> None:
    assert refusal(content).endswith((".", "}."))


def test_nesting_ends_at_ten() -> None:
    def nested(depth: int) -> Any:
        return A if depth == 1 else {"or": [nested(depth - 1), B]}

    assert tree(nested(10)) is not None
    assert refusal(nested(11)) == "A filter is nested at most 10 deep."


def test_relations_count_as_nesting() -> None:
    content: Any = A
    for _ in range(10):
        content = {"name": "event", "op": "has", "val": content}
    assert refusal(content) == "A filter is nested at most 10 deep."


def test_fifty_conditions_and_a_thousand_values_pass() -> None:
    assert isinstance(tree([A] * 50), Every)
    assert isinstance(tree([{"name": "a", "op": "in_", "val": list(range(1000))}]), Condition)


def outcome(text: str) -> Any:
    try:
        return parse_filter(text)
    except BadRequest as error:
        return error.code


keys = st.sampled_from(["and", "or", "not", "name", "op", "val", "field"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)
names = st.sampled_from(["a", "b-c", "x'; DROP TABLE books; --"]) | st.text(max_size=5)
conditions = st.fixed_dictionaries({"name": names, "op": st.sampled_from(sorted(OPS)), "val": values})


@given(st.lists(conditions | values, max_size=5))
def test_any_json_is_a_tree_or_a_refusal(content: Any) -> None:
    found = outcome(json.dumps(content))
    assert found in (None, "filter-invalid") or isinstance(found, Condition | Related | Every | Some | Not)


@given(st.text(max_size=200))
def test_any_text_is_a_tree_or_a_refusal(text: str) -> None:
    found = outcome(text)
    assert found in (None, "filter-invalid") or isinstance(found, Condition | Related | Every | Some | Not)
