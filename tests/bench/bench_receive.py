"""How fast instances come in over DIMSE, against what others do in the same run.

Run as ``python -m tests.bench.bench_receive [rounds]``. The receiver runs in a process of its
own and takes from dcmtk's storescu, as do pynetdicom's storage providers that do the least: one
that throws away, and one that writes what comes as it is and syncs nothing (ours syncs each
instance and its folder). Then its memory over 10,000 instances. Then C-GET of 500 slices from
Orthanc, against dcmtk's getscu.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from anontui.pacs.archive import Wanted
from anontui.pacs.dimse import DimseArchive
from anontui.pacs.dimse.client import associate
from anontui.pacs.dimse.command import Field, request
from anontui.pacs.dimse.contexts import PLAIN, Proposal
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse, Node
from tests.pacs.peers import ORTHANC, ct_study, free_port, peer, to_bytes
from tests.pacs.test_dimse import wait_for

INSTANCES, ROWS = 500, 139  # of 39 KB
MANY = 10_000
CT = "1.2.840.10008.5.1.4.1.1.2"
NODELAY = {**os.environ, "TCP_NODELAY": "1"}

OURS = """
import sys
from pathlib import Path
from anontui.pacs.receiver import Receiver, Where
Receiver(Where(int(sys.argv[1])), lambda _, __: Path(sys.argv[2])).start()
sys.stdin.read()
"""
THEIRS = """
import sys
from pathlib import Path
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
folder = Path(sys.argv[2])
folder.mkdir(exist_ok=True)
def keep(event):
    if "write" in sys.argv:
        path = folder / (event.request.AffectedSOPInstanceUID + ".dcm")
        path.write_bytes(event.encoded_dataset())
    return 0
ae = AE("THEIRS")
for context in AllStoragePresentationContexts:
    ae.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
ae.start_server(("127.0.0.1", int(sys.argv[1])), evt_handlers=[(evt.EVT_C_STORE, keep)])
"""
KINDS = {
    "anontui's receiver, synced": (OURS, []),
    "pynetdicom, throwing away": (THEIRS, []),
    "pynetdicom, writing": (THEIRS, ["write"]),
}


def serve(code: str, port: int, folder: Path, more: list[str]) -> subprocess.Popen[bytes]:
    """Start a provider and wait until it listens."""
    command = [sys.executable, "-c", code, str(port), str(folder), *more]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    wait_for(port)
    return process


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def receive(data: Path, rounds: int) -> None:
    """Instances a second from storescu, the kinds in turn."""
    source = data / "source"
    source.mkdir()
    for i, one in enumerate(ct_study(1, instances=INSTANCES, rows=ROWS)):
        (source / f"{i:05d}.dcm").write_bytes(to_bytes(one))
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(rounds):
        for kind, (code, more) in KINDS.items():
            port = free_port()
            process = serve(code, port, data / f"{kind}.{number}", more)
            command = ["storescu", "+sd", "127.0.0.1", str(port), str(source)]
            times[kind].append(
                seconds(lambda: subprocess.run(command, check=True, env=NODELAY))  # noqa: B023
            )
            process.kill()
            process.communicate()
    rates = {kind: INSTANCES / median(values) for kind, values in times.items()}
    ours, *others = rates.values()
    inbox, content = Inbox(data / "alone"), bytes(ROWS * ROWS * 2)
    alone = INSTANCES / seconds(lambda: write(inbox, content))
    print(f"{'the disk alone, synced':28} {alone:7.0f} instances/s")
    for kind, rate in rates.items():
        print(f"{kind:28} {rate:7.0f} instances/s")
    print(f"ours is {ours / max(others):.2f} times pynetdicom's ceiling (goal 0.83, or 350/s)")


def write(inbox: Inbox, content: bytes) -> None:
    for number in range(INSTANCES):
        with inbox.writing(str(number)) as file:
            file.write(content)


def rss(process: subprocess.Popen[bytes]) -> int:
    """Resident memory in KiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)


def memory(data: Path) -> None:
    """Resident memory of the receiver after 1,000 and 10,000 instances."""
    dimse = Dimse("ANY", "127.0.0.1", free_port())
    process = serve(OURS, dimse.port, data / "memory", [])
    whole = to_bytes(ct_study(1, instances=1, rows=ROWS)[0])
    encoded = whole[whole.index(b"\x08\x00\x08\x00CS") :]
    proposals = [Proposal(CT, PLAIN[:1])]
    after: dict[int, int] = {}
    start = time.perf_counter()
    with associate(Node("N", dimse=dimse), dimse, proposals, lambda: None) as association:
        context = association.context(CT)
        assert context is not None
        for number in range(1, MANY + 1):
            store = request(Field.STORE, CT, instance=f"1.2.3.{number}")
            association.send(context, store, encoded)
            assert association.receive()[1].status == 0
            if number in (1_000, MANY):
                after[number] = rss(process)
    rate = MANY / (time.perf_counter() - start)
    process.kill()
    process.communicate()
    first, last = after.values()
    print(f"{MANY} instances at {rate:.0f}/s: {first} KiB after 1,000, {last} KiB at the end")
    print(f"memory grew {last / first:.2f} times (flat: 1.0)")


def bench_retrieve_dimse(data: Path, rounds: int) -> None:
    """C-GET of a study from Orthanc, against getscu; instances a second."""
    if ORTHANC is None:
        print("no Orthanc: C-GET is not measured")
        return
    times: dict[str, list[float]] = {"ours": [], "synced": [], "getscu": []}
    with peer(data / "orthanc") as archive:
        datasets = ct_study(1, instances=INSTANCES, rows=ROWS)
        archive.add(*datasets)
        study = str(datasets[0].StudyInstanceUID)
        ours = DimseArchive(archive.node())
        for number in range(rounds):
            inbox = Inbox(data / f"inbox.{number}")
            took = seconds(lambda: ours.retrieve(Wanted(study), inbox, lambda: None))  # noqa: B023
            assert inbox.count() == INSTANCES
            times["ours"].append(took)
            times["synced"].append(took + seconds(inbox.sync))
            folder = data / f"getscu.{number}"
            folder.mkdir()
            command = ["getscu", "-S", "-aec", "PEER", "-od", str(folder)]
            command += ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"]
            command += ["127.0.0.1", str(archive.port)]
            times["getscu"].append(
                seconds(lambda: subprocess.run(command, check=True, env=NODELAY))  # noqa: B023
            )
            assert len(list(folder.iterdir())) == INSTANCES
        ours.close()
    rates = {kind: INSTANCES / median(values) for kind, values in times.items()}
    print(
        f"C-GET: ours {rates['ours']:.0f}/s, ours and synced at the end {rates['synced']:.0f}/s,"
        f" getscu {rates['getscu']:.0f}/s"
    )
    print(f"getscu is {rates['getscu'] / rates['ours']:.2f} times as fast (goal 2.5)")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        receive(Path(folder), rounds)
        memory(Path(folder))
        bench_retrieve_dimse(Path(folder), rounds)


if __name__ == "__main__":
    main()
