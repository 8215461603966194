"""Plain tables."""

from microglia.report.table import SHOWN, WIDTH, count, fold, listed, paragraph, shorten, table


def test_columns_are_as_wide_as_their_content():
    """A small table wastes no room, and aligns numbers to the right."""
    text = table(("NAME", "FROM", "WHY"), [("cart", "10", "idle"), ("search", "3", "quiet")], right=(1,))
    assert text.splitlines() == ["  NAME    FROM  WHY", "  cart      10  idle", "  search     3  quiet"]


def test_a_wide_table_still_fits_the_screen():
    """The widest columns give way and are folded, however many there are."""
    rows = [("word " * 20, "more " * 20, "some " * 20, "last " * 40)]
    lines = table(("A", "B", "C", "D"), rows).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(lines).count("last") == 40
    assert " ".join(lines).count("word") == 20


def test_a_column_is_never_narrower_than_its_longest_word():
    """Names stay whole and columns aligned, even when the table gets wider than the screen."""
    header = [f"column-name-{number}" for number in range(9)]
    assert table(header, [["x" * 14] * 9]).splitlines()[1].split() == ["x" * 14] * 9
    rows = [("namespace/a-long-name and more", "y " * 40, "z " * 60), ("b", "c", "d")]
    lines = table(("A", "B", "C"), rows).splitlines()
    assert lines[1].startswith("  namespace/a-long-name and  ")
    assert lines[2].startswith("  more  ")
    assert {line.index("c") for line in lines if line.startswith("  b")} == {lines[0].index("B")}


def test_a_table_of_one_column_is_a_list():
    """The only column is the last one."""
    assert table(("NAME",), [("a",), ("b",)]) == "  NAME\n  a\n  b"


def test_an_empty_cell_keeps_its_place():
    """What has no count still lines up."""
    assert table(("A", "B", "C"), [("x", "", "z")]).splitlines()[1] == "  x     z"


def test_text_is_folded_at_spaces_and_long_words_stay_whole():
    """A name can be copied from the screen."""
    assert fold("one two three", 7) == ["one two", "three"]
    assert fold("a-very-long-name of it", 5) == ["a-very-long-name", "of it"]
    assert fold("", 5) == []
    assert paragraph("one two") == "  one two"


def test_a_long_list_says_how_much_is_left_out():
    """One row more than the limit is shown rather than replaced by a line about it."""
    rows = [(str(number),) for number in range(SHOWN + 2)]
    assert shorten(rows, everything=False) == (rows[:SHOWN], "  … and 2 more (--all)")
    assert shorten(rows[:-1], everything=False) == (rows[:-1], "")
    assert shorten(rows, everything=True) == (rows, "")


def test_counts_and_names_read_as_prose():
    """Plurals, thousands and long lists of names."""
    assert [count(1, "change"), count(1234, "change"), count(2, "primary")] == [
        "1 change",
        "1,234 changes",
        "2 primaries",
    ]
    assert listed(["a", "b", "c", "d"]) == "a, b, c, d"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_a_word_wider_than_its_column_is_broken_where_it_is_joined() -> None:
    """A path or a field breaks after a slash or a dot; what has no joint stays whole."""
    field = "spec.trafficPolicy.loadBalancer.localityLbSetting.failover"
    assert fold(field, 40) == ["spec.trafficPolicy.loadBalancer.", "localityLbSetting.failover"]
    assert fold(f"in {field}", 60) == ["in", field]
    assert fold("x" * 50, 40) == ["x" * 50]


def test_many_long_names_still_fit_the_screen() -> None:
    """Where names fill all columns they are broken rather than run over the edge."""
    name = "istio-system/istio-ingressgateway"
    text = table(("A", "B", "C"), [(name, name, f"{name}, {name}")])
    assert max(map(len, text.split("\n"))) <= 100
    assert "istio-system/\n" not in table(("A", "B"), [(name, "x")])
