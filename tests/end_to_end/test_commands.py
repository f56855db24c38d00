"""The whole list of commands that users of AnonAPI know, in one project, on a server of ours."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.cli.commands import documented
from tests.server.support import SHARE, ServeProcess, files_below, serve, write_dicom

USER = "z123456"


class User:
    """Somebody at a shell, in a folder of the share; remembers which commands were given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given: list[str] = []
        self.out = self.err = ""

    def __call__(self, line: str, *, code: int = 0, shows: str = "", tells: str = "") -> str:
        """Give a command; ``shows`` and ``tells`` are what stdout and stderr must match."""
        words = shlex.split(line)
        self.given.append(line)
        done = subprocess.run(
            [sys.executable, "-m", "anontui", *words],
            cwd=self.folder,
            env=os.environ | {"EDITOR": f"{sys.executable} -c pass"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        told = f"{line}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == code, told
        assert "Traceback" not in done.stderr, told
        assert re.search(shows, done.stdout, re.MULTILINE), told
        assert re.search(tells, done.stderr, re.MULTILINE), told
        return done.stdout


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServeProcess]:
    server = ServeProcess(tmp_path / "data", tmp_path / "share")
    yield server
    server.kill()


def test_the_documented_commands(tmp_path: Path, server: ServeProcess) -> None:
    share = tmp_path / "share"
    project = share / "project"
    for number in (1, 2, 3):
        write_dicom(project / f"patient{number}", 2 + number, name="Jansen^Invented")
    (project / "patient2" / "letter.txt").write_text("Dear Dr. Invented")
    user = User(project)
    set_up(user, server, share)
    make_mapping(user)
    create_and_follow(user)
    change_jobs(user)
    clean_up(user)

    names = {" ".join(line.split()[:n]) for line in user.given for n in (1, 2, 3)}
    assert set(documented()) <= names
    found = [path for path in files_below(share / "out") if path.suffix == ".dcm"]
    assert {str(dcmread(path).PatientID) for path in found} == {"P-001", "P-002", "P-004"}
    assert not [path for path in found if b"Jansen" in path.read_bytes()]


def set_up(user: User, server: ServeProcess, share: Path) -> None:
    url = server.start().url
    user("status", shows=r"^Servers +none", tells="^$")
    user("server list", tells="No server is set")
    user("server status", code=1, tells="anontui server add NAME URL")
    user(f"server add ours {url}", tells="now active")
    user("server add other http://127.0.0.1:9", tells="Added")
    user("server activate other")
    user("server status", code=1, tells="refuses the connection")
    user("server remove other")
    user("server activate ours", tells="now active")
    user("server list", shows=rf"\* +ours +{url}")
    user("server status", shows="is up")
    user("settings set-username nobody")
    user(f"settings user set-username {USER}")
    user("settings user get-token", tells="A new token is set")
    user("settings get-token", code=2, tells="--yes")
    user("settings get-token --yes")
    user("server jobs", code=1, tells="does not accept the user name and token")
    token = user("settings info --show-token").split()[-1]
    serve(server.data, "user", "add", USER, "--own-token", stdin=token)
    user("settings user info", shows=f"^User +{USER}$")
    assert token not in user("settings show --json") + user("settings show")
    user("settings set-validate-ssl false", tells="NOT checked")
    user("settings set-validate-ssl true", tells="are checked")
    user("settings edit")
    user("server jobs --json", shows=r"^\[\]$")
    user(rf"create set-defaults --project Wetenschap-Algemeen --destination-path '{SHARE}\out'")
    user("create show-defaults", shows=r"^project +Wetenschap-Algemeen$")
    user(f"paths add '{SHARE}' '{share}'")
    user("paths --json", shows=r'"settings"')


def make_mapping(user: User) -> None:
    user("map status", code=1, tells="map init")
    user("map init", tells="active mapping now")
    user("map init", code=2, tells="--yes")
    user("map activate")
    user("map add-study-folders patient1 patient2 -p P-001 -p P-002", tells="2 rows")
    user("map add-accession-numbers 1234567.12345678 --pseudonym P-003", tells="1 row")
    user("map add-accession-numbers 'bad*number' -p P-009", code=1, tells="several studies")
    project = user.folder
    user.folder = project / "patient3"
    user("select status", code=1, tells="has no selection")
    user("select add '*'", tells="holds 5 files")
    user("select status --json", shows="00005.dcm")
    user("select edit", tells="5 files")
    user.folder = project
    user("map add-selection-file patient3/fileselection.txt -p P-004", tells="1 row")
    user("map add-selection patient3/fileselection.txt -p P-004", tells="already")
    user("map edit", tells="4 rows")
    rows = json.loads(user("map status --json"))["rows"]
    assert [row["pseudo_name"] or row["pseudo_id"] for row in rows] == [
        "P-001",
        "P-002",
        "P-003",
        "P-004",
    ]


def create_and_follow(user: User) -> None:
    user("create from-mapping --dry-run", shows="P-004", tells="4 jobs would be created")
    user("create from-mapping", code=2, tells="--yes")
    user("create from-mapping --yes --filter P-001", tells="Created 1 jobs")
    user("create from-mapping --yes", tells="Created 3 jobs")
    user("create from-mapping --yes", tells="nothing to create: 4 exist already")
    user("batch info", shows="1, 2, 3, 4")
    user("batch watch --interval 0.5", code=1, shows="ERROR", tells="3 DONE, 1 ERROR")
    user("batch status --patient-name", shows=r"^ 4 .*DONE.*P-004", tells="4 jobs on ours")
    user("batch show-error", shows=r"^3: .*PACS")
    user("batch export jobs.xlsx", tells="4 jobs")
    user("server jobs", shows=r"^ 4 ")
    user("job list 1,3-4", shows=r"^ 4 .*P-004")
    user("job info 3", shows=r"^advice +")
    user("job info 99", code=1, tells="no job 99")


def change_jobs(user: User) -> None:
    user("job cancel 1 2 --yes", shows="^2 cancelled$")
    user("job cancel 1,99 --yes", code=1, shows="^1 cancelled$", tells="Job with id 99")
    user("job reset 1-2 --yes", shows="^2 reset$")
    user("job set-opt-out-ignore 3 'signed consent' --yes", shows="^3 ignores the opt-out$")
    user("batch reset-error --yes", shows="^3 reset$")
    user("batch watch --json", code=1)
    user("batch cancel-active --yes", tells="no job to cancel")
    user("batch reset --yes", shows="^4 reset$")
    user("batch watch --json", code=1)
    user("batch cancel --yes", shows="^1 cancelled$")
    user("batch reset --yes")
    user("batch watch", code=1)
    assert [job["status"] for job in json.loads(user("batch status --json"))] == [
        "DONE",
        "DONE",
        "ERROR",
        "DONE",
    ]


def clean_up(user: User) -> None:
    user("batch remove 2-4", tells="1 jobs")
    user("batch add 2 3", tells="3 jobs")
    user("batch init", code=1, tells="has a batch already")
    user("batch delete --yes", tells="forgotten")
    user("batch init", tells="empty batch of ours")
    user("select delete patient3/fileselection.txt --yes")
    project = user.folder
    user.folder = project / "patient3"
    user("select delete --yes", code=1, tells="has no selection")
    user.folder = project
    user("map delete --yes", tells="Deleted")
    user("map delete --yes", code=1)
    user("server remove ours", tells="Removed")
    user("status", shows=r"^Mapping +none")
