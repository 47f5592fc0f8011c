import io

from rich.console import Console

from grit.figures.table import Cell, Column, Row, Section, Table
from grit.figures.terminal_format import print_table

COLUMNS = (Column("", "n"), Column("", "said", words=True))


def printed(*rows: Row, columns: tuple[Column, ...] = COLUMNS, **options: object) -> str:
    stream = io.StringIO()
    table = Table("", columns, (Section("", rows),), ("[a] note",), "Set")
    print_table(table, Console(file=stream, width=80, **options))
    return stream.getvalue()


def test_numbers_stand_at_the_right_and_words_at_the_left() -> None:
    text = printed(Row("a", (Cell("10"), Cell("yes"))), Row("b", (Cell("–"), Cell("no"))))
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    assert lines[0] == " Set   n  said"
    assert lines[2:] == [" a    10  yes", " b     -  no", "[a] note"]


def test_names_are_neither_markup_nor_orders_to_the_terminal() -> None:
    text = printed(Row("[red]x[/red]\x1b[2J", (Cell("−1"), Cell("[b]"))))
    assert "[red]x[/red]?[2J" in text
    assert "-1  [b]" in text


def test_a_warning_is_red_and_a_best_number_is_not() -> None:
    row = Row("a", (Cell("1", bold=True), Cell("no", warning=True)))
    assert printed(row, force_terminal=True, color_system="standard").count("\x1b[1;31m") == 1


def test_a_table_without_headings_is_a_list_whose_texts_wrap() -> None:
    text = printed(Row("label", (Cell("word " * 40),)), columns=(Column("", "", words=True),))
    assert "Set" not in text
    assert text.count("word") == 40
