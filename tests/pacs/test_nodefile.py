"""``nodes.yml``: what is written is read, and each mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import PacsError
from anontui.pacs.node import Bucket, Dimse, Node, Timeouts, Tls, Web
from anontui.pacs.nodefile import read_nodes, write_nodes

FULL = """\
HOSPITAL:
  aet: PACS
  host: pacs.example.org
  port: 0104
  calling_aet: US
  move_port: 11113
  tls:
    authority: /etc/ca.pem
    certificate: ours.pem
    key: ours.key
  web: https://pacs.example.org/dicom-web
  user: "me"
  password: '0123'
  web_authority: /etc/web.pem
  timeouts: {connect: 5, answer: 2.5}
  modalities: [CT, mr]
  sop_classes:
    - CTImageStorage
    - 1.2.840.10008.5.1.4.1.1.4
  transfer_syntaxes: [RLE, jpeg-ls, 1.2.840.10008.1.2.1]
RESEARCH:
  bucket: results
  prefix: a/b
  endpoint: http://127.0.0.1:9000
  region: eu-west-1
  access_key: AKIA0
  secret_key: much too secret
"""
NODES = {
    "HOSPITAL": Node(
        "HOSPITAL",
        Dimse(
            "PACS",
            "pacs.example.org",
            104,
            "US",
            Tls(Path("/etc/ca.pem"), Path("ours.pem"), Path("ours.key")),
            11113,
        ),
        Web(
            "https://pacs.example.org/dicom-web",
            "me",
            "0123",
            authority=Path("/etc/web.pem"),
        ),
        timeouts=Timeouts(connect=5.0, answer=2.5),
        modalities=("CT", "MR"),
        sop_classes=("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"),
        transfer_syntaxes=(
            "1.2.840.10008.1.2.5",
            "1.2.840.10008.1.2.4.80",
            "1.2.840.10008.1.2.4.81",
            "1.2.840.10008.1.2.1",
        ),
    ),
    "RESEARCH": Node(
        "RESEARCH",
        bucket=Bucket(
            "results", "a/b", "http://127.0.0.1:9000", "eu-west-1", "AKIA0", "much too secret"
        ),
    ),
}
SECRETS = ("0123", "much too secret")


def write(folder: Path, text: str) -> Path:
    path = folder / "nodes.yml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_all_settings_are_read(tmp_path: Path) -> None:
    assert read_nodes(write(tmp_path, FULL)) == NODES


def test_what_is_written_is_read_and_private(tmp_path: Path) -> None:
    path = tmp_path / "nodes.yml"
    path.write_text("")
    write_nodes(path, NODES)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_nodes(path) == NODES


texts = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=12)
printable = texts.filter(str.isprintable)
aets = st.from_regex(r"[A-Z0-9_!-]{1,16}", fullmatch=True)
ports = st.integers(1, 65535)
webs = st.builds(
    Web,
    st.just("https://a.b/c"),
    user=st.just("") | printable,
    password=st.just("") | printable,
    token=st.just("") | printable,
    authority=st.none() | st.just(Path("/a b/c.pem")),
)
dimses = st.builds(
    Dimse,
    aets,
    st.just("127.0.0.1"),
    ports,
    aets,
    st.none() | st.builds(Tls, st.none() | st.just(Path("x.pem"))),
    st.just(0) | ports,
)
buckets = st.builds(Bucket, st.just("abc"), printable, secret_key=st.just("") | printable)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
        st.tuples(st.none() | dimses, st.none() | webs, buckets),
        max_size=3,
    )
)
def test_any_nodes_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    parts: dict[str, tuple[Dimse | None, Web | None, Bucket]],
) -> None:
    nodes = {name: Node(name, *three) for name, three in parts.items()}
    path = tmp_path_factory.getbasetemp() / "nodes.yml"
    write_nodes(path, nodes)
    assert read_nodes(path) == nodes


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "null\n", "{}\n"])
def test_there_may_be_no_nodes(tmp_path: Path, text: str) -> None:
    assert read_nodes(write(tmp_path, text)) == {}
    assert read_nodes(tmp_path / "missing.yml") == {}


@pytest.mark.parametrize("word", ["yes", "true", "on"])
def test_tls_may_be_of_the_usual_authorities(tmp_path: Path, word: str) -> None:
    path = write(tmp_path, f"A:\n  aet: A\n  host: h\n  port: 1\n  tls: {word}\n")
    dimse = read_nodes(path)["A"].dimse
    assert dimse is not None
    assert dimse.tls == Tls()


BASE = "A:\n  aet: PACS\n  host: h\n  port: 104\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- a\n", 1, "'name: value'"),
        ("text\n", 1, "'name: value'"),
        ("A B:\n  web: http://h\n", 1, "letters, digits"),
        ("..:\n  web: http://h\n", 1, "letters, digits"),
        ("A:\n", 1, "'name: value'"),
        ("A: {}\n", 1, "needs aet, web or bucket"),
        ("A:\n  host: h\n  port: 1\n", 1, "needs aet, web or bucket"),
        ("A:\n  aet: PACS\n  port: 1\n", 2, "host is needed"),
        ("A:\n  aet: PACS\n  host: h\n", 3, "port is needed"),
        ("A:\n  aet: much too long a title\n  host: h\n  port: 1\n", 2, "aet is not an AE title"),
        ("A:\n  aet: [A]\n  host: h\n  port: 1\n", 2, "one line of text"),
        ("A:\n  aet: A\n  host: h\n  port: 65536\n", 4, "port is not a port"),
        ("A:\n  aet: A\n  host: h\n  port: 0\n", 4, "port is not a port"),
        ("A:\n  aet: A\n  host: h\n  port: one\n", 4, "port is not a port"),
        (BASE + "  move_port: -1\n", 5, "move_port is not a port"),
        (BASE + "  tls: perhaps\n", 5, "'name: value'"),
        (BASE + "  tls:\n    keys: a\n", 6, "not known"),
        (BASE + "  password: abc\n", 5, "password says nothing without web"),
        (BASE + "  colour: red\n", 5, "not known"),
        (BASE + "  port: 105\n", 5, "given twice"),
        (BASE + "  timeouts: 3\n", 5, "'name: value'"),
        (BASE + "  timeouts: {answer: 0}\n", 5, "answer is not a number of seconds"),
        (BASE + "  timeouts: {answer: inf}\n", 5, "answer is not a number of seconds"),
        (BASE + "  modalities: [CT, {}]\n", 5, "modalities"),
        (BASE + "  modalities: ['C T']\n", 5, "modalities"),
        (BASE + "  sop_classes: [Unknown]\n", 5, "a SOP class is"),
        (BASE + "  transfer_syntaxes: [GIF]\n", 5, "a transfer syntax is"),
        ("A:\n  web: h/dicom-web\n", 2, "web is not a url"),
        ("A:\n  web: https://me:word@h/\n", 2, "web is not a url"),
        ("A:\n  bucket: a b\n", 2, "bucket is not the name"),
        ("A:\n  bucket: abc\n  endpoint: x\n", 3, "endpoint is not a url"),
        ("A: {web: http://h}\nA: {web: http://h}\n", 2, "given twice"),
        ("A:\n\tweb: http://h\n", 2, "not YAML"),
        ("A: &a\n  web: http://h\nB: *b\n", 3, "not YAML"),
        ("A:\n  ? [a]\n  : b\n", 2, "a name is expected"),
    ],
)
def test_mistakes_are_told_with_their_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    with pytest.raises(PacsError, match=rf"^nodes.yml line {line}: .*{words}") as raised:
        read_nodes(write(tmp_path, text))
    assert raised.value.advice
    assert not raised.value.transient


@pytest.mark.parametrize("content", [b"\xff\xfe\0", b"A: \x07", b"A: {}\n" + b"#" * (1 << 20)])
def test_what_is_no_yaml_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "nodes.yml"
    path.write_bytes(content)
    with pytest.raises(PacsError, match=r"nodes\.yml"):
        read_nodes(path)


def test_deep_nesting_is_told(tmp_path: Path) -> None:
    with pytest.raises(PacsError, match=r"nodes\.yml"):
        read_nodes(write(tmp_path, "A: " + "[" * 50_000))


def test_no_mistake_shows_a_secret(tmp_path: Path) -> None:
    for number, line in enumerate(FULL.splitlines()):
        if ": " not in line:
            continue
        broken = FULL.splitlines()
        broken[number] = line.split(":")[0] + ": [much too secret, '0123']"
        try:
            read_nodes(write(tmp_path, "\n".join(broken)))
        except PacsError as error:
            assert not any(secret in error.sentence() for secret in SECRETS)


def test_secrets_that_others_may_read_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    path.chmod(0o640)
    with pytest.raises(PacsError, match="others may read") as raised:
        read_nodes(path)
    assert "chmod 600" in raised.value.advice
    path.write_text(BASE)
    assert set(read_nodes(path)) == {"A"}


@pytest.mark.parametrize(
    "node",
    [
        Node("A"),
        Node("A B", web=Web("http://h")),
        Node("A", web=Web("h")),
        Node("A", Dimse("A", "h", 0)),
        Node("A", Dimse("A", "h", 70_000)),
        Node("A", web=Web("http://h", password="two\nlines")),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, node: Node) -> None:
    path = write(tmp_path, FULL)
    with pytest.raises(PacsError):
        write_nodes(path, {node.name: node})
    assert path.read_text() == FULL


def test_a_file_that_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(PacsError, match="cannot be written"):
        write_nodes(tmp_path / "missing" / "nodes.yml", NODES)
    with pytest.raises(PacsError, match="cannot be read"):
        read_nodes(tmp_path)
