"""Archives of many tables: which are read, how their symbols are told, and what becomes of the others."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from alphintra.errors import DataError
from alphintra.ingest.archives import rule_for, symbol_in
from alphintra.ingest.containers import stem_of
from alphintra.ingest.habits import symbol_of
from alphintra.ingest.limits import Limits
from alphintra.ingest.mapping import Mapping

from tests.sdk.ingest.conftest import Desk, rows

HEAD = "Date,Open,High,Low,Close,Volume,OpenInt\n"
OTHER = "Symbol,Security Name\nAA,Alcoa\n"


def text(close: float, head: str = HEAD) -> str:
    return f"{head}2020-01-02,1,{close},1,{close},10,0\n2020-01-03,1,{close},1,{close},10,0\n"


def packed(members: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


# As Kaggle has the prices of all US stocks and ETFs, with tables of another shape that come first.
KAGGLE = {
    "Data/AAA-list.txt": OTHER,
    "Data/Stocks/msft.us.txt": text(2.0),
    "Data/Stocks/aapl.us.txt": text(1.0),
    "Data/Stocks/empty.us.txt": "",
    "Data/ETFs/spy.us.txt": text(3.0),
    "Data/about.csv": OTHER,
    "README.md": "# about",
}


def test_what_most_are_like_is_proposed_and_the_rest_is_named(desk: Desk) -> None:
    path = desk.write("archive.zip", packed(KAGGLE))
    found = desk.inspect(path)
    assert found.table == "archive.zip/Data/ETFs/spy.us.txt"
    others = [own.file for own in found.findings if own.rule == "MEMBER_SKIPPED" and own.severity == "error"]
    assert others == ["archive.zip/Data/AAA-list.txt", "archive.zip/Data/about.csv"]
    mapping = found.guess.mapping
    assert (mapping.symbol_from, mapping.symbol_pattern, mapping.members) == ("name", "{symbol}.us.txt", "")
    asked = {own.field: own for own in found.guess.questions}
    assert set(asked) == {"members", "symbol_pattern"}
    assert asked["members"].text == "2 of 5 tables are not like the others. Which are to be read?"
    assert asked["members"].choices == ("*.us.txt", "*")
    assert asked["symbol_pattern"].choices == ("{symbol}.us.txt", "{SYMBOL}.us.txt")
    assert "spy.us.txt is spy, aapl.us.txt is aapl, msft.us.txt is msft" in asked["symbol_pattern"].text

    # Nothing chosen: the others are left out, and it is an error that has to be looked at.
    staged = desk.read_as(path, mapping)
    assert sorted({row["symbol"] for row in rows(staged)}) == ["aapl", "msft", "spy"]
    left = {own.file: own.message for own in staged.findings if own.severity == "error"}
    assert left == {
        f"archive.zip/Data/{name}": "the member is left out: column 1 is 'Symbol', not 'Date'"
        for name in ("AAA-list.txt", "about.csv")
    }
    # Chosen: nothing is left to say of the others.
    chosen = replace(mapping, members="Data/Stocks/*", symbol_pattern="{SYMBOL}.us.txt")
    chosen = Mapping.from_json(chosen.to_json())
    staged = desk.read_as(path, chosen)
    assert sorted({(row["symbol"], row["close"]) for row in rows(staged)}) == [("AAPL", 1.0), ("MSFT", 2.0)]
    assert [own.name for own in staged.sources] == [f"archive.zip/Data/Stocks/{own}.us.txt" for own in ("aapl", "msft")]
    assert not [own for own in staged.findings if own.severity == "error"]
    with pytest.raises(DataError) as caught:
        desk.read_as(path, replace(mapping, members="Stocks/*"))
    assert caught.value.code == "MAPPING_MISMATCH"
    assert "Data/AAA-list.txt" in str(caught.value)
    assert sorted(own.name for own in desk.folder.glob("staging*")) == ["staging2", "staging3"]


def test_a_name_that_does_not_fit_the_rule_is_left_out_and_named(desk: Desk) -> None:
    path = desk.write("a.zip", packed({"px_AAPL_2020.csv": text(1.0), "px_MSFT_2020.csv": text(2.0)}))
    mapping = desk.inspect(path).guess.mapping
    staged = desk.read_as(path, replace(mapping, symbol_pattern="px_{symbol}_*.csv"))
    assert sorted({row["symbol"] for row in rows(staged)}) == ["AAPL", "MSFT"]
    staged = desk.read_as(path, replace(mapping, symbol_pattern="*_A{symbol}_*"))
    assert {row["symbol"] for row in rows(staged)} == {"APL"}
    (left,) = [own for own in staged.findings if own.severity == "error"]
    assert (left.file, left.message) == (
        "a.zip/px_MSFT_2020.csv", "the member is left out: the file's name is not like *_A{symbol}_*"
    )  # fmt: skip
    alone = desk.write("px_AAPL.csv", text(1.0))
    with pytest.raises(DataError) as caught:
        desk.read(alone, symbol_pattern="{symbol}.txt")
    assert caught.value.code == "MAPPING_MISMATCH"
    assert {row["symbol"] for row in rows(desk.read(alone, symbol_pattern="px_{symbol}.csv"))} == {"AAPL"}


def test_a_column_of_symbols_and_tables_without_names_of_columns(desk: Desk) -> None:
    symbols = "Date,Symbol,Close\n2020-01-02,{},1\n"
    path = desk.write("s.zip", packed({"2020.csv": symbols.format("A"), "2021.csv": symbols.format("B")}))
    found = desk.inspect(path)
    assert (found.guess.mapping.symbol_from, found.guess.questions) == ("column", ())
    assert {row["symbol"] for row in rows(desk.read_as(path, found.guess.mapping))} == {"A", "B"}
    lines = "1577923200000,1,2,0.5,1.5,10,1577923259999,1,1,1,1,0\n"
    names = ("BTCUSDT-1m-2020-01.csv", "BTCUSDT-1m-2020-02.csv", "ETHUSDT-1m-2020-11.csv")
    members = {name: lines.replace("15779", f"1577{place}") for place, name in enumerate(names, 8)}
    found = desk.inspect(desk.write("klines.zip", packed(members)))
    assert found.guess.mapping.symbol_pattern == "{symbol}-1m-2020-*.csv"
    assert [own.field for own in found.guess.questions] == ["symbol_pattern"]
    of_one = {name: content for name, content in members.items() if name.startswith("BTC")}
    alone = desk.inspect(desk.write("months.zip", packed(of_one))).guess
    assert (alone.mapping.symbol_pattern, alone.questions) == ("{symbol}-1m-2020-*.csv", ())
    assert not [own for own in found.findings if own.severity == "error"]


def test_one_symbol_of_two_folders_is_asked_for_and_found(desk: Desk) -> None:
    two = {"spot/BTCUSDT.csv": text(1.0), "fut[ures]/BTCUSDT.csv": text(2.0), "spot/ETHUSDT.csv": text(3.0)}
    path = desk.write("two.zip", packed(two))
    found = desk.inspect(path).guess
    asked = {own.field: own for own in found.questions}
    assert asked["members"].choices == ("fut[[]ures]/*", "spot/*", "*")
    assert "fut[ures]/BTCUSDT.csv and spot/BTCUSDT.csv have one symbol" in asked["members"].text
    assert "spot/ETHUSDT.csv is ETHUSDT" in asked["symbol_pattern"].text

    staged = desk.read_as(path, found.mapping)
    (own,) = [own for own in staged.findings if own.severity == "error"]
    assert (own.rule, own.file, own.symbol) == ("SYMBOL_FOLDERS", "two.zip/spot/BTCUSDT.csv", "BTCUSDT")
    assert "fut[ures]/" in own.message
    for members, closes in (("fut[[]ures]/*", {2.0}), ("spot/*", {1.0, 3.0})):
        staged = desk.read_as(path, replace(found.mapping, members=members))
        assert {row["close"] for row in rows(staged)} == closes
        assert not staged.counts

    # With a table of another shape: one question for both.
    path = desk.write("three.zip", packed({**two, "spot/about.csv": OTHER}))
    (members,) = [own for own in desk.inspect(path).guess.questions if own.field == "members"]
    assert members.text.startswith("1 of 4 tables are not like the others. fut[ures]/BTCUSDT.csv and spot/BTC")
    # One symbol alone, in capitals at least.
    path = desk.write("case.zip", packed({"BTC.csv": text(1.0), "perp/btc.csv": text(2.0)}))
    (members,) = [own for own in desk.inspect(path).guess.questions if own.field == "members"]
    assert members.choices == ("perp/*", "*")


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (["AAPL.csv", "MSFT.csv"], "{symbol}.csv"),
        (["AAPL.csv", "MSFT.CSV"], "{symbol}.*"),
        (["AAPL_2020.csv", "MSFT_2020.csv"], "{symbol}.csv"),
        (["20131007_xjo_tick_trade.csv", "20131008_xjo_tick_trade.csv"], "*_{symbol}_tick_trade.csv"),
        (["DAT_ASCII_EURUSD_M1_2020.csv", "DAT_ASCII_USDJPY_M1_2021.csv"], "DAT_ASCII_{symbol}_M1_*.csv"),
    ],
)
def test_rules_that_are_proposed_give_the_symbols_that_habits_do(names: list[str], rule: str) -> None:
    assert rule_for(names) == rule
    if rule:
        assert [symbol_in(rule, name) for name in names] == [symbol_of(stem_of(name)) for name in names]


def test_rules_that_cannot_be_followed(desk: Desk) -> None:
    mapping = desk.inspect(desk.write("AAPL.csv", text(1.0))).guess.mapping
    assert (mapping.symbol_pattern, mapping.members) == ("", "")
    for changes, says in (
        ({"symbol_pattern": "*.csv"}, "must say once where the symbol is"),
        ({"symbol_pattern": "{symbol}{SYMBOL}.csv"}, "must say once where the symbol is"),
        ({"symbol_pattern": "*" * 5 + "{symbol}"}, "4 asterisks"),
        ({"members": "a" * 201}, "200 signs"),
        ({"members": "a\nb"}, "control characters"),
    ):
        with pytest.raises(DataError) as caught:
            replace(mapping, **changes).check()
        assert (caught.value.code, says in str(caught.value)) == ("BAD_MAPPING", True), changes


def test_bounds_of_an_archive_hold_for_its_tables_as_well(desk: Desk) -> None:
    path = desk.write("bomb.zip", packed({"a.csv": text(1.0), "b.csv": HEAD + "2020-01-02,1,1,1,1,1,0\n" * 200_000}))
    found = desk.inspect(path)  # looks at the first bytes of each, no more
    assert found.table == "bomb.zip/a.csv"
    with pytest.raises(DataError) as caught:
        desk.read_as(path, found.guess.mapping)
    assert caught.value.code == "TOO_LARGE"
    staged = desk.read_as(path, replace(found.guess.mapping, members="a*"))
    assert staged.rows == 2
    path = desk.write("names.zip", packed({"../../etc/AAPL.csv": text(1.0), "C:\\x\\MSFT.csv": text(2.0)}))
    found = desk.inspect(path)
    assert {row["symbol"] for row in rows(desk.read_as(path, found.guess.mapping))} == {"AAPL", "MSFT"}
    with pytest.raises(DataError) as caught:
        desk.inspect(desk.write("many.zip", packed({f"{n}.csv": "x" for n in range(11)})), Limits(members=10))
    assert caught.value.code == "TOO_LARGE"
