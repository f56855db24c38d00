"""``anontui pacs`` against real archives, and dcmtk's programs where they are installed."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from anontui.server.folder import DataFolder
from anontui.server.review import Review
from tests.cli.conftest import Command, Ran
from tests.pacs.peers import Peer, ct_study, free_port, peer, to_bytes
from tests.server.support import wait_until

DCMTK = ("storescu", "storescp", "findscu", "echoscu", "dcmmkdir")
ROOT = "1.2.826.0.1.3680043.10.999"
Pacs = Callable[..., Ran]
needs_dcmtk = pytest.mark.skipif(not all(map(shutil.which, DCMTK)), reason="needs dcmtk's programs")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with peer(tmp_path_factory.mktemp("archive"), "PACS") as one:
        for number in range(4):
            one.add(*ct_study(number, series=2, patient=number // 2))
        yield one


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def pacs(anontui: Command, data: Path) -> Pacs:
    """Run ``anontui pacs`` on the data folder."""

    def run(*words: object, typed: str | None = None) -> Ran:
        return anontui("pacs", *map(str, words), "--data", str(data), typed=typed)

    return run


@pytest.fixture
def known(pacs: Pacs, archive: Peer) -> Pacs:
    """The same, with the archive as the node PACS, and by DICOMweb as WEB if it has that."""
    add(pacs, "PACS", archive.aet, archive.port)
    if archive.has_web:
        assert pacs("node", "add", "WEB", "--web", archive.url).code == 0
    return pacs


def add(pacs: Pacs, name: str, aet: str, port: int) -> None:
    ran = pacs("node", "add", name, "--aet", aet, "--host", "127.0.0.1", "--port", port)
    assert ran.code == 0, ran.err


def audit(data: Path) -> list[tuple[str, dict[str, object]]]:
    with Review.of(DataFolder(data)) as review:
        rows = review.database.rows("SELECT what, details FROM audit ORDER BY audit_id")
    return [(str(row["what"]), json.loads(str(row["details"]))) for row in rows]


def project(data: Path, name: str = "Lung", *, more: str = "") -> None:
    folder = data / "projects" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.yml").write_text(
        f"receive: LUNG\ntargets: [PACS]\ndestination: node:PACS\npseudonyms: 'L-{{n:04d}}'\n{more}"
    )


def write(folder: Path, *numbers: int) -> list[Path]:
    paths = []
    for number in numbers:
        for one in ct_study(number):
            paths.append(folder / str(number) / f"{one.InstanceNumber}.dcm")
            paths[-1].parent.mkdir(parents=True, exist_ok=True)
            paths[-1].write_bytes(to_bytes(one))
    return paths


# --- nodes


def test_nodes_are_added_shown_and_removed_without_their_secrets(
    pacs: Pacs, data: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret-word\n")
    pacs("node", "add", "WEB", "--web", "https://host/dicom-web", "--user", "me",
         "--password-file", secret)  # fmt: skip
    pacs("node", "add", "BOX", "--bucket", "images", "--access-key", "id", "--secret-key-file",
         secret)  # fmt: skip
    ran = pacs("node", "add", "PACS", "--aet", "PACS", "--host", "10.0.0.5", "--port", 104,
               "--calling-aet", "US", "--move-port", 11113, "--tls", "--timeout", 90, "--modality",
               "CT", "--transfer-syntax", "rle", "--transfer-syntax", "JPEG-LS")  # fmt: skip
    assert (ran.code, "anontui pacs echo PACS" in ran.err) == (0, True)
    listed = pacs("node", "list")
    assert [line.split()[:2] for line in listed.out.splitlines()] == [
        ["name", "ways"],
        ["BOX", "S3"],
        ["PACS", "DIMSE"],
        ["WEB", "DICOMweb"],
    ]
    shown = json.loads(pacs("node", "show", "PACS", "--json").out)
    assert shown["dimse"] == {
        "aet": "PACS",
        "host": "10.0.0.5",
        "port": 104,
        "calling_aet": "US",
        "tls": "yes",
        "move_port": 11113,
    }
    assert shown["timeouts"]["answer"] == 90 and shown["modalities"] == ["CT"]
    assert shown["transfer_syntaxes"][0] == "1.2.840.10008.1.2.5"
    told = [listed.out, pacs("node", "list", "--json").out]
    for name in ("WEB", "BOX"):
        told += [pacs("node", "show", name).out, pacs("node", "show", name, "--json").out]
    assert "set" in told[-1]
    assert "s3cret-word" not in "".join(told)
    assert (data / "nodes.yml").stat().st_mode & 0o077 == 0
    assert pacs("node", "remove", "PACS").code == 2
    assert pacs("node", "remove", "PACS", "--yes").code == 0
    ran = pacs("node", "show", "PACS")
    assert (ran.code, "Known: BOX, WEB" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("X",), "--aet, --host and --port"),
        (("X", "--aet", "A"), "--host and --port"),
        (("X", "--user", "me"), "without --web"),
        (("no name", "--web", "https://h/x"), "node's name"),
        (("X", "--web", "ftp://h"), "url"),
        (("X", "--web", "https://h/x", "--token-file", "missing"), "cannot be read"),
        (("X", "--aet", "far too long a title", "--host", "h", "--port", "104"), "AE title"),
        (("X", "--web", "https://h/x", "--transfer-syntax", "GIF"), "transfer syntax"),
    ],
)
def test_what_is_no_node_is_told_and_not_kept(
    pacs: Pacs, data: Path, words: tuple[str, ...], told: str
) -> None:
    ran = pacs("node", "add", *words)
    assert ran.code in (1, 2)
    assert told in ran.err and "nodes.yml" not in ran.err, ran.err
    assert pacs("node", "list", "--json").out == "[]\n"


def test_a_node_is_replaced_only_if_that_is_meant(pacs: Pacs) -> None:
    add(pacs, "X", "ONE", 104)
    words = ("node", "add", "X", "--aet", "TWO", "--host", "h", "--port", 104)
    assert pacs(*words).code == 2
    assert pacs(*words, typed="n\n").code == 1
    assert "ONE" in pacs("node", "list").out
    assert pacs(*words, "--yes").code == 0
    assert "TWO" in pacs("node", "list").out


def test_echo(known: Pacs, archive: Peer) -> None:
    add(known, "GONE", "GONE", free_port())
    add(known, "OTHER", "OTHER", archive.port)
    ran = known("echo", "PACS")
    assert (ran.code, "PACS  answers in" in ran.out) == (0, True)
    ran = known("echo", "PACS", "GONE", "OTHER", "--json")
    rows = {row["node"]: row for row in json.loads(ran.out)}
    assert (ran.code, rows["PACS"]["up"], rows["GONE"]["up"]) == (1, True, False)
    assert "Nothing listens" in rows["GONE"]["problem"]
    if archive.has_web:  # pynetdicom's own archive answers to any title
        assert "AE title" in rows["OTHER"]["problem"]
        assert known("echo", "WEB").code == 0
    ran = known("echo", "PACS", "NOBODY")
    assert (ran.code, "There is no node 'NOBODY'" in ran.err) == (2, True)


# --- find and retrieve


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ((), [0, 1, 2, 3]),
        (("--patient-id", "PID00001"), [2, 3]),
        (("--patient-id", "PID*0"), [0, 1]),
        (("--name", "Invented^Person1*"), [2, 3]),
        (("--date", "20240301-"), [2, 3]),
        (("--date", "2024-01-01 .. 2024-02-29"), [0, 1]),
        (("--modality", "CT", "--accession", "ACC2"), [2]),
        (("--accession", "ACC1", "--accession", "ACC3"), [1, 3]),
        (("--accession", "ACC1", "--patient-id", "PID00001"), []),
        (("--study-uid", f"{ROOT}.2"), [1]),
    ],
)
def test_find(
    known: Pacs, archive: Peer, data: Path, words: tuple[str, ...], numbers: list[int]
) -> None:
    ran = known("find", "PACS", *words, "--json")
    rows = json.loads(ran.out)
    assert sorted(row["accession"] for row in rows) == [f"ACC{number}" for number in numbers]
    modalities = ["CT"] * archive.has_web  # pynetdicom's own archive does not tell
    assert all((row["imported"], row["modalities"]) == (0, modalities) for row in rows)
    [(what, told)] = audit(data)
    assert (what, told["found"]) == ("searched", len(numbers))
    assert not {"PID", "Invented", "ACC"} & set(map(str, told.values()))


def test_find_shows_tables_and_csv(known: Pacs, archive: Peer) -> None:
    for node in ("PACS", *("WEB",) * archive.has_web):
        table = known("find", node, "--accession", "ACC2").out.splitlines()
        assert len(table) == 2 and "Invented^Person1" in table[1]
    rows = list(csv.DictReader(io.StringIO(known("find", "PACS", "--csv").out)))
    assert {row["accession"] for row in rows} == {f"ACC{number}" for number in range(4)}
    assert {row["instances"] for row in rows} <= {"6", ""}


def test_find_at_other_levels(known: Pacs) -> None:
    words = ("find", "PACS", "--accession", "ACC1", "--json", "--level")
    series = json.loads(known(*words, "SERIES").out)
    assert sorted(one["series"] for one in series) == [f"{ROOT}.2.1", f"{ROOT}.2.2"]
    images = json.loads(known(*words, "image").out)
    assert sorted(one["instance"] for one in images) == [
        f"{ROOT}.2.{s}.{i}" for s in (1, 2) for i in (1, 2, 3)
    ]


def test_find_by_a_file_writes_down_what_is_not_there(known: Pacs, tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("Accession number;name\nACC1;x\nACC9;y\nACC1;again\n;\nACC3;z\n")
    ran = known("find", "PACS", "--accession-file", path, "--json")
    assert [row["accession"] for row in json.loads(ran.out)] == ["ACC1", "ACC3"]
    assert ran.code == 1
    assert "1 of 3 accession numbers are not in PACS" in ran.err
    [written] = [one for one in tmp_path.glob("numbers*") if one != path]
    assert written.read_text().split() == ["ACC9"]
    assert str(written) in ran.err


def test_find_tells_of_a_limit_and_of_nothing(known: Pacs, archive: Peer) -> None:
    ran = known("find", "PACS", "--limit", 2, "--json")
    assert len(json.loads(ran.out)) == 2 and "There is more" in ran.err
    assert "Nothing is found" in known("find", "PACS", "--patient-id", "NOBODY").err
    if archive.has_web:
        assert json.loads(known("find", "PACS", "--modality", "MR", "--json").out) == []
    assert known("find", "PACS", "--date", "yesterday").code == 2


@needs_dcmtk
def test_find_agrees_with_findscu(known: Pacs, archive: Peer) -> None:
    done = subprocess.run(
        ["findscu", "-S", "-aec", archive.aet, "-k", "QueryRetrieveLevel=STUDY", "-k",
         "PatientID=PID00001", "-k", "AccessionNumber", "127.0.0.1", str(archive.port)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    theirs = {
        line.split("[")[1].split("]")[0].strip()
        for line in (done.stdout + done.stderr).splitlines()
        if "(0008,0050) SH [" in line
    }
    ours = json.loads(known("find", "PACS", "--patient-id", "PID00001", "--json").out)
    assert {row["accession"] for row in ours} == theirs == {"ACC2", "ACC3"}


def test_retrieve_is_whole_asked_for_and_goes_on(known: Pacs, data: Path, tmp_path: Path) -> None:
    words = ("retrieve", "PACS", f"{ROOT}.1", "accession_number:ACC3", "--to", tmp_path / "got")
    assert known(*words).code == 2 and not (tmp_path / "got").exists()
    ran = known(*words, "--yes", "--json")
    assert ran.code == 0, ran.err
    assert [row["instances"] for row in json.loads(ran.out)] == [6, 6]
    files = sorted((tmp_path / "got").rglob("*.dcm"))
    uids = {str(dcmread(path).SOPInstanceUID) for path in files}
    assert uids == {f"{ROOT}.{n}.{s}.{i}" for n in (1, 4) for s in (1, 2) for i in (1, 2, 3)}
    assert not any(ROOT in str(path) or "ACC" in str(path) for path in files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    files[0].unlink()
    assert known(*words, "--yes").code == 0 and files[0].exists()
    ran = known("retrieve", "PACS", "1.2.3.4", "--to", tmp_path / "got", "--yes")
    assert (ran.code, "has no such study" in ran.err) == (1, True)
    assert [what for what, _ in audit(data)] == ["retrieved"] * 3


# --- send, receive, import


def test_send_skips_what_is_there(pacs: Pacs, data: Path, tmp_path: Path) -> None:
    write(tmp_path / "new", 70, 71)
    (tmp_path / "new" / "notes.txt").write_text("no image")
    with peer(tmp_path / "target", "TARGET") as target:
        add(pacs, "T", target.aet, target.port)
        assert pacs("send", "T", tmp_path / "new").code == 2  # it asks
        ran = pacs("send", "T", tmp_path / "new", "--yes", "--json")
        assert json.loads(ran.out) == {"failed": 1, "sent": 6}
        assert (ran.code, "cannot be read as a DICOM file" in ran.err) == (1, True)
        ran = pacs("send", "T", tmp_path / "new" / "70", "--yes")
        assert (ran.code, "3 were there already" in ran.err) == (0, True)
        assert pacs("send", "T").code == 2
        ran = pacs("send", "T", "--patient", "NOBODY", "--yes")
        assert (ran.code, "Nothing was delivered" in ran.err) == (2, True)
        found = json.loads(pacs("find", "T", "--json").out)
    assert {row["accession"] for row in found} == {"ACC70", "ACC71"}
    assert [what for what, _ in audit(data)] == ["sent", "sent", "searched"]


@needs_dcmtk
def test_send_to_storescp(pacs: Pacs, tmp_path: Path) -> None:
    """It knows no queries, and takes one association at a time."""
    paths = write(tmp_path / "new", 1, 2, 3)
    (tmp_path / "kept").mkdir()
    port = free_port()
    target = subprocess.Popen(["storescp", "-od", tmp_path / "kept", "-aet", "KEEP", str(port)])
    try:
        add(pacs, "KEEP", "KEEP", port)
        wait_until(lambda: pacs("echo", "KEEP").code == 0)
        ran = pacs("send", "KEEP", tmp_path / "new", "--yes")
        assert (ran.code, "9 files are sent" in ran.err) == (0, True), ran.err
    finally:
        target.kill()
        target.wait()
    kept = {str(dcmread(path).SOPInstanceUID) for path in (tmp_path / "kept").iterdir()}
    assert kept == {str(dcmread(path).SOPInstanceUID) for path in paths}


@needs_dcmtk
def test_listen_takes_what_storescu_sends(pacs: Pacs, data: Path, tmp_path: Path) -> None:
    add(pacs, "PACS", "PACS", free_port())
    ran = pacs("listen")
    assert (ran.code, "No project receives" in ran.err) == (2, True)
    project(data)
    port = free_port()
    (data / "server.yml").write_text(f"receiver: {{port: {port}, callers: [SCANNER]}}\n")
    paths = write(tmp_path / "sent", 1, 2)
    command = [sys.executable, "-m", "anontui", "pacs", "listen", "--data", str(data)]
    listening = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def send(aet: str, called: str) -> int:
        words = ["storescu", "-aet", aet, "-aec", called, "127.0.0.1", str(port), *map(str, paths)]
        return subprocess.run(words, capture_output=True, check=False).returncode

    try:
        wait_until(lambda: send("SCANNER", "LUNG") == 0)
        assert send("SCANNER", "OTHER") and send("STRANGER", "LUNG")
        again = pacs("listen")  # the port is in use
        assert again.code == 1 and "port" in again.err
    finally:
        listening.send_signal(signal.SIGTERM)
        told = listening.communicate(timeout=30)[1]
    assert listening.returncode == 0, told
    assert "LUNG is for project Lung" in told and "6 instances were received" in told
    kept = [path.read_bytes() for path in (data / "incoming" / "received" / "Lung").rglob("*.dcm")]
    assert len(kept) == 6
    assert "PID" not in told and ROOT not in told


def test_import(pacs: Pacs, data: Path, tmp_path: Path) -> None:
    add(pacs, "PACS", "PACS", free_port())
    write(tmp_path / "disc", 1, 2)
    (tmp_path / "disc" / "README").write_text("no image")
    ran = pacs("import", tmp_path / "disc", "--project", "Lung")
    assert (ran.code, "no project Lung" in ran.err) == (1, True)
    ran = pacs("import", tmp_path / "disc", "--project", "Wetenschap-Algemeen")
    assert (ran.code, "destination and pseudonyms" in ran.err) == (2, True)
    project(data)
    ran = pacs("import", tmp_path / "disc", "--project", "Lung", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert (found["new"], found["studies"], found["other"]) == (6, 2, 1)
    ran = pacs("import", tmp_path / "disc", "--project", "Lung")
    assert "Imported 0 instances of 2 studies; 6 were there already" in ran.err
    assert [what for what, _ in audit(data)] == ["imported", "imported"]
    received = data / "incoming" / "received" / "Lung"
    assert len(list(received.rglob("*.dcm"))) == 6
    assert not [path for path in received.rglob("*") if ROOT in str(path)]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert pacs("import", empty, "--project", "Lung").code == 1


@needs_dcmtk
def test_import_of_a_medium_that_dcmtk_made(pacs: Pacs, data: Path, tmp_path: Path) -> None:
    add(pacs, "PACS", "PACS", free_port())
    project(data)
    paths = []
    for number, path in enumerate(write(tmp_path / "files", 1)):
        paths.append(tmp_path / "disc" / "IMAGES" / f"IM{number}")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        path.rename(paths[-1])
    done = subprocess.run(
        ["dcmmkdir", "+r", "+I", "-Pgp", "+id", ".", "IMAGES"],
        cwd=tmp_path / "disc", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (tmp_path / "disc" / "DICOMDIR").exists(), done.stderr
    paths[1].unlink()
    ran = pacs("import", tmp_path / "disc" / "DICOMDIR", "--project", "Lung")
    assert ran.code == 1
    assert "Imported 2 instances of 1 studies" in ran.err and "Missing: IMAGES/IM1" in ran.err


def test_index(pacs: Pacs, data: Path) -> None:
    ran = pacs("index", "--json")
    assert ran.code == 1 and "There is no server's data" in ran.err
    DataFolder(data).make()
    DataFolder(data).database().close()
    assert set(json.loads(pacs("index", "--json").out).values()) == {0}
    assert "exported instances  0" in pacs("index").out
    assert pacs("index", "--project", "Nothing").code == 1


def test_nodes_are_completed(pacs: Pacs, data: Path) -> None:
    from click.shell_completion import ShellComplete

    from anontui.cli.run import root

    add(pacs, "PACS", "A", 104)
    add(pacs, "WEB", "B", 104)
    complete = ShellComplete(root, {}, "anontui", "_ANONTUI_COMPLETE")
    found = complete.get_completions(["pacs", "find", "--data", str(data)], "")
    assert [item.value for item in found] == ["PACS", "WEB"]
    found = complete.get_completions(["pacs", "echo", "--data", str(data)], "W")
    assert [item.value for item in found] == ["WEB"]
    (data / "nodes.yml").write_text("a: [")
    assert complete.get_completions(["pacs", "echo", "--data", str(data)], "") == []
