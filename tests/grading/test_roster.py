"""Rosters and other people's CSV files: recognised by their header, matched with care."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecopt.grading.exercise import ExerciseError
from lecopt.grading.intake import Owner
from lecopt.grading.roster import Roster, people, read_people
from lecopt.grading.table import Table, records

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Momentum (77),Final Score
,,,,,Manual Posting,
    Points Possible,,,,,13,(read only)
"Lovelace, Ada",1001,s1,ada@uni.edu,A,,
"von Horváth, Ödön",1003,s3,oho@uni.edu,A,,
"Lovelace, Ada",1009,s9,ada.l@uni.edu,B,,
"Student, Test",1010,,,A,,
"""
MOODLE = """Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,\
Last modified (submission),Last modified (grade),Feedback comments
Participant 2001,Ada Lovelace,ada@uni.edu,Submitted for grading,,13.00,Yes,\
"Friday, 20 November 2026, 11:58 PM",-,
Participant 2002,Zoë Ångström,zoe@uni.edu,No submission,,13.00,Yes,-,-,
"""


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_canvas_gradebook(tmp_path: Path) -> None:
    found = read_people(written(tmp_path, CANVAS), None)
    assert [(p.student, p.name, p.number) for p in found] == [
        ("ada@uni.edu", "Lovelace, Ada", "1001"),
        ("oho@uni.edu", "von Horváth, Ödön", "1003"),
        ("ada.l@uni.edu", "Lovelace, Ada", "1009"),
        ("1010", "Student, Test", "1010"),
    ]
    roster = Roster(found)
    by_number = roster.find(Owner("lovelaceada_1009", "canvas", "1009", "lovelaceada"))
    assert by_number[0] == found[2]
    stranger = roster.find(Owner("vonhorváthödön_4", "canvas", "4", "vonhorváthödön"))
    assert stranger == (None, "nobody on the roster is called so")
    by_name, why = roster.find(Owner("Ada Lovelace", name="Ada Lovelace"))
    assert by_name is None
    assert why == "it could be of ada.l@uni.edu or ada@uni.edu"
    assert roster.find(Owner("Ödön von Horváth", name="Ödön von Horváth"))[0] == found[1]
    assert roster.find(Owner("S3", name="S3"))[0] == found[1]


def test_canvas_with_names_in_two_columns(tmp_path: Path) -> None:
    text = (
        "LastName,FirstName,ID,SIS Login ID,Section\n    Points Possible,,,,\nNoether,Emmy,7,e,A\n"
    )
    (person,) = read_people(written(tmp_path, text), None)
    assert (person.student, person.name) == ("e", "Emmy Noether")


def test_moodle_worksheet_tells_the_time(tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=1))
    ada, zoe = read_people(written(tmp_path, MOODLE), zone)
    assert ada.when is not None
    assert ada.when.isoformat() == "2026-11-20T23:58:00+01:00"
    assert zoe.when is None
    roster = Roster([ada, zoe])
    assert roster.find(Owner("x", "moodle", "2002", "Zoë Ångström"))[0] == zoe
    # The numbers are those of one assignment: in another they are other people's.
    assert roster.find(Owner("x", "moodle", "2001", "Zoë Ångström"))[0] == zoe
    assert roster.find(Owner("x", "moodle", "2001", "Somebody Else"))[0] is None
    assert roster.find(Owner("Participant_2001", "moodle", "2001", "Participant"))[0] == ada


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "student,email\nŽofie,z@x.cz\nben,b@x.cz\n"),
        ("utf-8-sig", "student;email\r\nŽofie;z@x.cz\r\nben;b@x.cz\r\n"),
        ("utf-16", "student\temail\r\nŽofie\tz@x.cz\r\nben\tb@x.cz\r\n"),
        ("utf-16-le", "Student\temail\nŽofie\tz@x.cz\nben\tb@x.cz\n"),
        ("cp1252", "sep=;\r\nusername;full name\r\nŽofie;Ž\r\nben;B\r\n"),
        ("utf-8", "Email address,First name,Surname\nŽofie,Ž,N\nben,B,C\n\n,,\n"),
        ("utf-8", "student\nŽofie\nben"),
        ("utf-8", 'student\r"Žofie"\rben\r'),
    ],
)
def test_a_plain_list_as_excel_saves_it(tmp_path: Path, encoding: str, text: str) -> None:
    path = written(tmp_path, text, encoding)
    assert [p.student for p in read_people(path, None)] == ["Žofie", "ben"]
    assert Table.read(path).data() == path.read_bytes()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour,size\nred,3\n", "Found 'colour', 'size'; expected Canvas's gradebook"),
        ("student\nana\nana\n", "line 3: 'ana' is there twice"),
        ("student,email\n", "there is no student in it"),
        ("", "it is empty"),
        ("PK\x03\x04\0\0\0\0", "it is no CSV"),
    ],
)
def test_what_is_no_roster_is_refused_in_words(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ExerciseError, match=r"roster\.csv") as error:
        read_people(written(tmp_path, text), None)
    assert says in str(error.value)


def test_no_roster_at_all(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match="cannot be read"):
        read_people(tmp_path / "none.csv", None)


def test_names_that_differ_in_case_alone_are_not_mixed_up(tmp_path: Path) -> None:
    roster = Roster(people(Table.read(written(tmp_path, "student\nAna\nana\n"))))
    for name in ("Ana", "ana"):
        person, _ = roster.find(Owner(name, name=name))
        assert person is not None
        assert person.student == name
    assert roster.find(Owner("ANA", name="ANA")) == (None, "it could be of Ana or ana")


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
)
def test_any_text_goes_back_as_it_came(rows: list[list[str]], delimiter: str) -> None:
    text = "\r\n".join(delimiter.join(row) for row in rows)
    again = "".join(delimiter.join(cells) + end for cells, end in records(text, delimiter))
    assert again == text
