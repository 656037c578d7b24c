"""What reading a file finds, cell by cell; it stands in the report as it was found."""

from __future__ import annotations

from alphintra.rules.check import Check
from alphintra.rules.rule import Rule


class Reading(Check):
    """The rules of the reader: nothing of them is left to be seen in the rows."""

    rules = (
        Rule(
            "SCHEMA_TYPE",
            "error",
            "A cell does not parse as the type of its column; its row is left out.",
            "Thousands, percent, `1.2M` and words for a missing value are said in the mapping.",
            seen_in="file",
        ),
        Rule(
            "ROW_SHAPE",
            "error",
            "A row has more or fewer cells than the header.",
            "A delimiter at the end of every row is how the file is written.",
            seen_in="file",
        ),
        Rule(
            "ENCODING",
            "error",
            "Bytes are not valid in the encoding, or there are NUL bytes.",
            "A byte order mark.",
            seen_in="file",
        ),
        Rule(
            "TRUNCATED_FILE",
            "error",
            "The file ends in the middle: the last row is short, or a compressed one lacks its end.",
            "A last row without a newline.",
            seen_in="file",
        ),
        Rule("TS_PARSE", "error", "A time is missing or is not of the format.", seen_in="file"),
        Rule(
            "TS_AMBIGUOUS",
            "error",
            "All dates of the column could have day and month the other way round, and nobody has said which it is.",
            "One date that can only be read one way decides for all, as does the answer of who sends the file.",
            seen_in="file",
        ),
        Rule(
            "TS_UNIT",
            "error",
            "Times are numbers that lie in 2001 to 2100 only in another unit than the one stated.",
            "Data of 1970.",
            seen_in="file",
        ),
        Rule("TS_DST_GAP", "warning", "A local time does not exist: clocks went forward.", seen_in="file"),
        Rule(
            "TS_DST_FOLD",
            "warning",
            "A local time comes twice: clocks went back. The order of rows tells which it is.",
            "Times in UTC.",
            seen_in="file",
        ),
        Rule(
            "TS_PRECISION",
            "warning",
            "A time has nanoseconds, which are cut to microseconds: rows that they tell apart keep their order.",
            "Nanoseconds of which the last three digits are 0.",
            seen_in="file",
        ),
        Rule(
            "NUMBER_PRECISION",
            "warning",
            "A number is 2⁵³ or more, of which 15 digits are kept, as of all numbers: different ones may become equal. "
            "What is a name, as that of a trade, is kept by a column of text.",
            "Numbers that are doubles in the file (Parquet, Feather), or are divided.",
            seen_in="file",
        ),
        Rule("MEMBER_SKIPPED", "info", "A file of an archive is left out: an error where its columns are others.",
             seen_in="file"),
        Rule(
            "SYMBOL_FOLDERS",
            "error",
            "Files of two folders of an archive give one symbol by their names: they may be two instruments.",
            "A folder for each year of one instrument.",
            seen_in="file",
        ),
        Rule("SHEET_SKIPPED", "info", "A sheet of a workbook beside the first one is left out.", seen_in="file"),
        Rule(
            "EVENT_ROW",
            "error",
            "A row of reference data is left out: it is of no known kind; its ratio or amount cannot be; a symbol is "
            "missing or too much; nothing says when it was known, or it was withdrawn before; another row of the same "
            "instrument, kind and date was known from the same time and says something else.",
            "A row that is there twice; a correction with a later time of knowledge.",
            seen_in="file",
        ),
    )  # fmt: skip
