"""What was handed in is found, however it was named, and no zip does harm."""

from __future__ import annotations

import copy
import os
import struct
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from grading.classes import NAME, link_in_zip, taken, text_of, zip_of
from grading.helpers import Notebook, hand_in

from lecopt.grading import archive
from lecopt.grading.exercise import Exercise, ExerciseError
from lecopt.grading.intake import parse_time

ZONE = timezone(timedelta(hours=1))


@pytest.fixture
def paper(released: Notebook) -> str:
    return text_of(released)


def who(found: list[archive.Entry]) -> list[tuple[str, str]]:
    return [(one.owner.handle, one.exercise) for one in found]


def test_a_folder_for_each_student(tmp_path: Path, exercise: Exercise, paper: str) -> None:
    top = tmp_path / "in"
    hand_in(top, "ana", paper)
    hand_in(top, "Žofie Ö 学生", paper)
    (top / "ana" / ".ipynb_checkpoints").mkdir()
    (top / "ana" / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb").write_text(paper)
    (top / "ana" / "numpy.py").write_text("raise SystemExit")
    found, troubles = taken(top, exercise, tmp_path / "scratch")
    assert who(found) == [("ana", NAME), ("Žofie Ö 学生", NAME)]
    assert troubles == []
    assert found[0].path == top / "ana" / f"{NAME}.ipynb"


def test_nbgrader_and_its_time(tmp_path: Path, exercise: Exercise, paper: str) -> None:
    course = tmp_path / "course"
    (course / "source").mkdir(parents=True)
    for student, stamp in (
        ("ana", "2026-11-20 22:30:00.500000 UTC"),
        ("ben", "2026-11-20 23:30:00 Europe/Prague"),
        ("cyd", "2026-11-20T23:30:00+02:00"),
        ("dan", "yesterday"),
    ):
        place = course / "submitted" / student / "momentum-week"
        place.mkdir(parents=True)
        (place / "anything.ipynb").write_text(paper)
        (place / "timestamp.txt").write_text(stamp + "\n")
    for top in (course, course / "submitted"):
        found, troubles = taken(top, exercise, tmp_path / "scratch", ZONE)
        assert [one.owner.handle for one in found] == ["ana", "ben", "cyd", "dan"]
        times = [one.when.astimezone(UTC).hour for one in found[:3] if one.when]
        assert times == [22, 22, 21]
        assert len(troubles) == 1
        assert "'yesterday' is no time" in troubles[0]


def test_canvas(tmp_path: Path, exercise: Exercise, paper: str) -> None:
    work = zip_of({"my work/Momentum final.ipynb": paper, "__MACOSX/._x.ipynb": "x"})
    submissions = tmp_path / "submissions.zip"
    submissions.write_bytes(
        zip_of(
            {
                "lovelaceada_1001_5001_04_momentum.ipynb": paper,
                "noetheremmy_LATE_1002_5002_04_momentum-1.ipynb": paper,
                "ödönvonhorváth_1003_5003_work.zip": work,
                "anon_x7Yq2_5004_Untitled.ipynb": paper,
                "LATE_anon_b2Cd9_5005_Momentum (1).ipynb": paper,
                "hopper_1006_5006_essay.pdf": b"%PDF",
                "hilbert_1007_5007_text.html": "words",
            }
        )
    )
    found, troubles = taken(submissions, exercise, tmp_path / "scratch")
    assert [(one.owner.handle, one.owner.number, one.late) for one in found] == [
        ("anon_b2Cd9", "anon_b2Cd9", True),
        ("anon_x7Yq2", "anon_x7Yq2", False),
        ("lovelaceada_1001", "1001", False),
        ("noetheremmy_1002", "1002", True),
        ("ödönvonhorváth_1003", "1003", False),
    ]
    assert {one.when for one in found} == {None}, "a zip of Canvas's has its own time in it"
    assert sorted(troubles) == [
        "hilbert_1007: no notebook was handed in, but text.html",
        "hopper_1006: no notebook was handed in, but essay.pdf",
    ]


@pytest.mark.parametrize("form", ["{}_assignsubmission_file_/{}", "{}_assignsubmission_file/{}",
                                  "{}_assignsubmission_file_{}"])  # fmt: skip
def test_moodle(tmp_path: Path, exercise: Exercise, paper: str, form: str) -> None:
    download = tmp_path / "OPT-Momentum-77.zip"
    people = ["Ada Lovelace_2001", "Zoë Ångström_2002", "Participant_2003"]
    names = [form.format(person, "04_momentum.ipynb") for person in people]
    names += [form.format("Ada Lovelace_2009", "work.zip")]
    download.write_bytes(
        zip_of([*((name, paper) for name in names[:3]), (names[3], zip_of({"a/b.ipynb": paper}))])
    )
    found, troubles = taken(download, exercise, tmp_path / "scratch")
    assert sorted(one.owner.handle for one in found) == sorted([*people, "Ada Lovelace_2009"])
    assert {one.owner.lms for one in found} == {"moodle"}
    assert troubles == []
    with zipfile.ZipFile(download) as unpacked:
        unpacked.extractall(tmp_path / "by hand")
    again, troubles = taken(tmp_path / "by hand", exercise, tmp_path / "scratch")
    assert (who(again), troubles) == (who(found), [])


def test_a_zip_of_folders_and_a_folder_of_zips(
    tmp_path: Path, exercise: Exercise, paper: str
) -> None:
    rooms = tmp_path / "rooms"
    rooms.mkdir()
    (rooms / "monday.zip").write_bytes(zip_of({"submissions/ana/04_momentum.ipynb": paper}))
    (rooms / "friday.ZIP").write_bytes(zip_of({"ben\\04_momentum.ipynb": paper}))
    hand_in(rooms, "cyd", paper)
    found, troubles = taken(rooms, exercise, tmp_path / "scratch", ZONE)
    assert who(found) == [("ana", NAME), ("ben", NAME), ("cyd", NAME)]
    assert found[0].when == datetime(2026, 11, 20, 12, tzinfo=ZONE)
    assert troubles == []


def test_a_notebook_says_which_exercise_it_is(
    tmp_path: Path, exercise: Exercise, released: Notebook
) -> None:
    bare = copy.deepcopy(released)
    bare["metadata"] = {}
    other = copy.deepcopy(released)
    other["metadata"]["lecopt"]["exercise"] = "99_other"
    other["cells"] = []
    files = {
        "ana/Momentum (1).ipynb": text_of(released),
        "ben/Untitled.ipynb": text_of(bare),
        "cyd/My 04 Momentum FINAL v2.ipynb": "not JSON",
        "dan/notes.ipynb": text_of(other),
        "eve/04_MOMENTUM-3.ipynb": "",
        "lost.ipynb": text_of(released),
    }
    (tmp_path / "in.zip").write_bytes(zip_of(files))
    found, troubles = taken(tmp_path / "in.zip", exercise, tmp_path / "scratch")
    assert [one.owner.handle for one in found] == ["ana", "ben", "cyd", "eve"]
    assert sorted(troubles) == [
        "in.zip/dan/notes.ipynb: it is none of the exercises here",
        "in.zip/lost.ipynb: whose is it? Put it into a folder with the student's name",
    ]


def test_attempts_come_in_their_order(tmp_path: Path, exercise: Exercise, paper: str) -> None:
    files = {
        "ada_1_30_04_momentum-2.ipynb": paper,
        "ada_1_9_04_momentum.ipynb": paper,
        "ada_1_20_04_momentum-1.ipynb": paper,
    }
    (tmp_path / "canvas.zip").write_bytes(zip_of(files))
    found, _ = taken(tmp_path / "canvas.zip", exercise, tmp_path / "scratch")
    assert [one.order for one in found] == [(9, 0), (20, 1), (30, 2)]
    room = tmp_path / "in" / "ben"
    room.mkdir(parents=True)
    for name, hour in (("04_momentum.ipynb", 9), ("04_momentum (1).ipynb", 7)):
        (room / name).write_text(paper)
        os.utime(room / name, (3600.0 * hour, 3600.0 * hour))
    found, _ = taken(tmp_path / "in", exercise, tmp_path / "scratch")
    assert [one.path.name for one in found] == ["04_momentum (1).ipynb", "04_momentum.ipynb"]


def encrypted(paper: str) -> bytes:
    """Return a zip that says its one file is encrypted."""
    data = bytearray(zip_of({"x.ipynb": paper}))
    for at, field in ((0, 6), (data.index(b"PK\1\2"), 8)):
        data[at + field] |= 1
    return bytes(data)


def with_entries(count: int) -> bytes:
    return zip_of((f"{number}.txt", "") for number in range(count))


HOSTILE = {
    "climbs": (lambda paper: zip_of({"../../climbs.ipynb": paper}), "leads out of the zip"),
    "climbs in Windows": (lambda paper: zip_of({"..\\x.ipynb": paper}), "leads out of the zip"),
    "absolute": (lambda paper: zip_of({"/etc/x.ipynb": paper}), "absolute"),
    "drive": (lambda paper: zip_of({"C:\\x.ipynb": paper}), "absolute"),
    "link": (lambda paper: link_in_zip("x.ipynb", "/etc/passwd"), "it is a link"),
    "encrypted": (encrypted, "it is encrypted"),
    "cut off": (lambda paper: zip_of({"x.ipynb": paper})[:-40], "a broken zip"),
    "no zip": (lambda paper: b"PK, but no more", "a broken zip"),
    "flipped": (lambda paper: zip_of({"x.ipynb": paper}).replace(b"x.ipynb", b"y.ipynb", 1),
                "broken in the zip"),
    "bomb": (lambda paper: zip_of({"x.ipynb": b" " * (4 << 20)}), "a zip bomb"),
    "many": (lambda paper: with_entries(10_000), "more than 2000 files"),
    "wordy": (lambda paper: zip_of({f"{n}{'x' * 60_000}.ipynb": paper for n in range(20)}),
              "more than 2000 files"),
    "matryoshka": (lambda paper: zip_of({"a.zip": zip_of({"b.zip": zip_of({"c.zip": zip_of(
        {"x.ipynb": paper})})})}), "zips in zips in zips"),
    "twice": (lambda paper: zip_of([("x.ipynb", "old"), ("x.ipynb", paper)]), "more than once"),
    "control": (lambda paper: zip_of({"\x1b[2Jevil\n.ipynb": "{}"}), "none of the exercises"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_hostile_zip_is_told_and_the_rest_is_taken(
    tmp_path: Path, exercise: Exercise, paper: str, name: str
) -> None:
    make, says = HOSTILE[name]
    inner = {"ada_1_10_04_momentum.ipynb": paper, "bad_2_20_work.zip": make(paper),
             "zoe_3_30_04_momentum.ipynb": paper}  # fmt: skip
    (tmp_path / "class.zip").write_bytes(zip_of(inner))
    (tmp_path / "scratch").mkdir()
    before = set(tmp_path.rglob("*"))
    found, troubles = taken(tmp_path / "class.zip", exercise, tmp_path / "scratch")
    assert {"ada_1", "zoe_3"} <= {one.owner.handle for one in found}
    assert any(says in line for line in troubles), troubles
    assert all(line.isprintable() for line in troubles)
    new = set(tmp_path.rglob("*")) - before
    assert all(path.parent == tmp_path / "scratch" and path.stem.isdigit() for path in new)
    assert not (tmp_path.parent / "climbs.ipynb").exists()
    if name == "twice":
        (bad,) = (one for one in found if one.owner.handle == "bad_2")
        assert bad.path.read_text() == paper


def test_a_zip_may_lie_about_its_sizes(tmp_path: Path, exercise: Exercise, paper: str) -> None:
    data = bytearray(zip_of({"ada_1_10_04_momentum.ipynb": b" " * (4 << 20)}))
    at = data.index(b"PK\1\2")
    struct.pack_into("<II", data, at + 20, 4 << 20, 4 << 20)
    (tmp_path / "class.zip").write_bytes(data)
    found, troubles = taken(tmp_path / "class.zip", exercise, tmp_path / "scratch")
    assert found == []
    assert any("zip bomb" in line or "broken" in line for line in troubles)


def test_a_students_zips_share_one_allowance(
    tmp_path: Path, exercise: Exercise, paper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "STUDENT", archive.Bounds(10, 1 << 20, 3 * len(paper)))
    inner = zip_of({f"{number}.ipynb": paper for number in range(2)})
    (tmp_path / "class.zip").write_bytes(
        zip_of({"ada_1_10_work.zip": zip_of({f"{n}.zip": inner for n in range(3)})})
    )
    found, troubles = taken(tmp_path / "class.zip", exercise, tmp_path / "scratch")
    assert 0 < len(found) <= 3
    assert any("too large" in line for line in troubles)


def test_a_class_of_ten_thousand_in_one_zip(tmp_path: Path, exercise: Exercise, paper: str) -> None:
    count = 10_000
    (tmp_path / "class.zip").write_bytes(
        zip_of((f"student_{n}_{n + count}_04_momentum.ipynb", "{}") for n in range(count))
    )
    found, troubles = taken(tmp_path / "class.zip", exercise, tmp_path / "scratch")
    assert len({one.owner.handle for one in found}) == count
    assert troubles == []


def test_links_in_folders_are_not_followed(tmp_path: Path, exercise: Exercise, paper: str) -> None:
    hand_in(tmp_path / "in", "ana", paper)
    (tmp_path / "in" / "ben").symlink_to(tmp_path / "in" / "ana")
    (tmp_path / "secret.zip").write_bytes(zip_of({"x/04_momentum.ipynb": paper}))
    (tmp_path / "in" / "all.zip").symlink_to(tmp_path / "secret.zip")
    found, troubles = taken(tmp_path / "in", exercise, tmp_path / "scratch")
    assert who(found) == [("ana", NAME)]
    assert len([line for line in troubles if "links are not followed" in line]) == 2


def test_what_is_no_class_is_refused(tmp_path: Path, exercise: Exercise) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for top in (tmp_path / "nowhere", tmp_path / "notes.txt"):
        with pytest.raises(ExerciseError, match="no such folder, and no zip"):
            taken(top, exercise, tmp_path / "scratch")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-20 23:00:00 +0100", "2026-11-20T22:00:00"),
        ("2026-11-20 23:00:00 UTC", "2026-11-20T23:00:00"),
        ("2026-11-20 23:00:00", "2026-11-20T22:00:00"),
        ("2026-11-20T23:00:00Z", "2026-11-20T23:00:00"),
    ],
)
def test_times_have_zones(text: str, utc: str) -> None:
    when = parse_time(text, ZONE)
    assert when is not None
    assert when.astimezone(UTC).replace(tzinfo=None) == datetime.fromisoformat(utc)


@pytest.mark.parametrize("text", ["", "soon", "2026-11-20 25:00:00 UTC", "2026-11-20 1:00 ../etc"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text, ZONE) is None
