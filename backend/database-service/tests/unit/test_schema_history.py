"""Schema files are applied in order, once, and a changed history is refused."""

from database_service.adapters.schema import schema_files
from database_service.domain.migrations import Migration, Refused, pending

ONE, TWO = Migration("0001_a.sql", "create a;\n"), Migration("0002_b.sql", "create b;\n")


def test_a_new_store_gets_every_file_in_order():
    assert pending([TWO, ONE], {}) == [ONE, TWO]


def test_only_what_is_missing_is_applied():
    assert pending([ONE, TWO], {ONE.name: ONE.checksum}) == [TWO]


def test_a_file_that_changed_after_it_was_applied_is_refused():
    refused = pending([ONE], {ONE.name: "other"})
    assert isinstance(refused, Refused)
    assert "0001_a.sql was changed after it had been applied" in refused.reason


def test_a_store_of_a_newer_version_is_refused():
    refused = pending([ONE], {ONE.name: ONE.checksum, TWO.name: TWO.checksum})
    assert isinstance(refused, Refused)
    assert "newer version" in refused.reason


def test_a_file_that_comes_before_an_applied_one_is_refused():
    refused = pending([ONE, TWO], {TWO.name: TWO.checksum})
    assert isinstance(refused, Refused)
    assert "Give it the next number" in refused.reason


def test_statements_end_at_a_line_that_ends_with_a_semicolon():
    sql = "-- a remark; with a semicolon\ncreate a\n(x int);\n\ncreate b;\n"
    assert Migration("0001", sql).statements() == ["create a\n(x int)", "create b"]


def test_both_stores_have_files_with_unique_numbers():
    for store in ("postgres", "clickhouse"):
        numbers = [file.name[:4] for file in schema_files(store)]
        assert numbers == sorted(set(numbers))
        assert numbers[0] == "0001"
