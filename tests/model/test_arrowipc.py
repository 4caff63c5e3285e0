"""What is written without pyarrow is what pyarrow reads, and what it would have written."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.model.arrowipc import (
    Column,
    batch_message,
    bits_of,
    dictionary_message,
    number_column,
    schema_message,
    text_column,
)
from locshare_ext.model.trail import ARROW_FIELDS, STREAM_END, arrow_schema

WHOLE = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def read(*messages: bytes) -> pa.Table:
    table = pa.ipc.open_stream(b"".join([*messages, STREAM_END])).read_all()
    table.validate(full=True)
    return table


@pytest.mark.parametrize("metadata", [None, {}, {"locshare": '{"group": "밥"}', "": "x" * 1000}])
def test_the_schema_is_that_of_trails(metadata: dict[str, str] | None) -> None:
    schema = read(schema_message(ARROW_FIELDS, metadata)).schema
    assert schema.equals(arrow_schema().with_metadata(metadata or None), check_metadata=True)


@given(
    st.lists(
        st.tuples(st.none() | WHOLE, st.none() | st.floats(allow_nan=False), st.booleans(), st.none() | TEXT)
    )
)
def test_every_value_comes_back(rows: list[tuple[int | None, float | None, bool, str | None]]) -> None:
    whole, real, truth, text = [[row[n] for row in rows] for n in range(4)]
    schema = schema_message([("a", "int64"), ("b", "float64"), ("c", "bool"), ("d", "utf8")])
    columns = [
        number_column("q", whole),  # type: ignore[arg-type]
        number_column("d", real),  # type: ignore[arg-type]
        Column(0, (b"", bits_of(truth))),  # type: ignore[arg-type]
        text_column(text),  # type: ignore[arg-type]
    ]
    table = read(schema, batch_message(len(rows), columns))
    assert [table[name].to_pylist() for name in "abcd"] == [whole, real, truth, text]


@given(st.lists(TEXT, unique=True, min_size=1), st.data())
def test_a_later_dictionary_replaces_an_earlier_one(texts: list[str], data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.none() | st.integers(0, len(texts) - 1)))
    batch = batch_message(len(codes), [number_column("i", codes)])
    schema = schema_message([("member", "dictionary")])
    messages = (dictionary_message(0, texts), batch, dictionary_message(0, texts[::-1]), batch)
    expected = [None if code is None else texts[code] for code in codes]
    turned = [None if code is None else texts[::-1][code] for code in codes]
    assert read(schema, *messages)["member"].to_pylist() == expected + turned
