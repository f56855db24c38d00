"""What the systems say of their mounts, read into shares and folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.operations.mounts import (
    Mount,
    read_macos_mount,
    read_net_use,
    read_proc_mounts,
    read_roots,
    system_mounts,
)

PROC_MOUNTS = r"""sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0
/dev/sda2 / ext4 rw,relatime,errors=remount-ro 0 0
systemd-1 /mnt/auto autofs rw,relatime,fd=29,pgrp=1,timeout=0,minproto=5,direct 0 0
//umcfs097/radngdata$ /mnt/radng cifs rw,relatime,vers=3.1.1,cache=strict,username=z123 0 0
//srv.umc.nl/share\040two/sub\011tab /mnt/share\040two cifs rw,relatime,vers=3.0 0 0
\134\134old\134data /mnt/old cifs rw,relatime 0 0
//srv/patiënten\040x /mnt/patiënten cifs rw 0 0
//srv/trail/ /mnt/trail/\134x smb3 rw 0 0
nas:/export/imaging /mnt/imaging nfs4 rw,relatime,vers=4.2,addr=10.0.0.7 0 0
nas:/ /mnt/whole nfs rw 0 0
[fe80::1%2]:/export /mnt/v6 nfs4 rw 0 0
tmpfs /run/user/1000 tmpfs rw 0 0
gvfsd-fuse /run/user/1000/gvfs fuse.gvfsd-fuse rw 0 0
//srv cifs-without-share cifs rw 0 0
"""

MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
//z123456@umcfs097/radngdata$ on /Volumes/radngdata$ (smbfs, nodev, nosuid, mounted by z123456)
//UMC;z1:secret@srv.umc.nl/share%20on%20disk on /Volumes/share on disk (smbfs, nodev, nosuid)
//GUEST:@srv/a%26b/sub%20(2) on /Volumes/sub (2) (smbfs)
nas:/export/imaging on /Volumes/imaging (nfs, nodev, nosuid)
//me@srv/old on /Volumes/old (afpfs, nodev)
"""

NET_USE = r"""New connections will be remembered.


Status       Local     Remote                    Network

-------------------------------------------------------------------------------
OK           H:        \\umcfs097\radngdata$     Microsoft Windows Network
Disconnected X:        \\srv\share with spaces   Microsoft Windows Network
OK           y:        \\srv\twenty-five-chars-x Microsoft Windows Network
Unavailable  Z:        \\a-long-server-name.umc.nl\and-a-long-share\and-a-folder
                                                Microsoft Windows Network
OK                     \\srv\IPC$                Microsoft Windows Network
OK           W:        \\cloud.example@SSL\DavWWWRoot\docs
                                                Web Client Network
The command completed successfully.

"""

NET_USE_DUTCH = r"""Nieuwe verbindingen worden opgeslagen.


Status         Lokaal    Extern                    Netwerk

-------------------------------------------------------------------------------
OK             H:        \\umcfs097\radngdata$     Microsoft Windows Network
Niet verbonden K:        \\srv\data                Microsoft Windows Network
De opdracht is voltooid.
"""


def test_proc_mounts_with_octal_escapes() -> None:
    assert read_proc_mounts(PROC_MOUNTS) == [
        Mount(r"\\umcfs097\radngdata$", "/mnt/radng"),
        Mount(r"\\old\data", "/mnt/old"),
        Mount(r"\\srv\patiënten x", "/mnt/patiënten"),
        Mount(r"\\srv\trail", r"/mnt/trail/\x"),
        Mount(r"\\nas\export\imaging", "/mnt/imaging", is_sure=False),
    ]
    spaces = PROC_MOUNTS.replace(r"\011", r"\040")
    assert Mount(r"\\srv.umc.nl\share two\sub tab", "/mnt/share two") in read_proc_mounts(spaces)


def test_bytes_in_escapes_are_utf8() -> None:
    line = r"//srv/pati\303\253nten /mnt/pati\303\253nten cifs rw 0 0"
    assert read_proc_mounts(line) == [Mount(r"\\srv\patiënten", "/mnt/patiënten")]


def test_a_bind_mount_of_a_part_of_a_share() -> None:
    info = r"""36 35 0:44 / /mnt/data rw shared:1 - cifs //srv/data rw
37 35 0:44 /lung\040study /work rw shared:2 - cifs //srv/data rw
38 35 0:45 /sub /mnt/sub rw - cifs //srv/other/sub rw
short line
"""
    roots = read_roots(info)
    assert roots == {"/mnt/data": "/", "/work": "/lung study", "/mnt/sub": "/sub"}
    text = "//srv/data /mnt/data cifs rw 0 0\n//srv/data /work cifs rw 0 0\n"
    text += "//srv/other/sub /mnt/sub cifs rw 0 0\n"
    assert read_proc_mounts(text, roots) == [
        Mount(r"\\srv\data", "/mnt/data"),
        Mount(r"\\srv\data\lung study", "/work", is_sure=False),
        Mount(r"\\srv\other\sub", "/mnt/sub", is_sure=False),
    ]


def test_macos() -> None:
    assert read_macos_mount(MACOS) == [
        Mount(r"\\umcfs097\radngdata$", "/Volumes/radngdata$"),
        Mount(r"\\srv.umc.nl\share on disk", "/Volumes/share on disk"),
        Mount(r"\\srv\a&b\sub (2)", "/Volumes/sub (2)"),
        Mount(r"\\nas\export\imaging", "/Volumes/imaging", is_sure=False),
    ]


def test_net_use() -> None:
    assert read_net_use(NET_USE.replace("\n", "\r\n")) == [
        Mount(r"\\umcfs097\radngdata$", "H:\\"),
        Mount(r"\\srv\share with spaces", "X:\\"),
        Mount(r"\\srv\twenty-five-chars-x", "Y:\\"),
        Mount(r"\\a-long-server-name.umc.nl\and-a-long-share\and-a-folder", "Z:\\"),
    ]


def test_net_use_in_another_language() -> None:
    assert read_net_use(NET_USE_DUTCH) == [
        Mount(r"\\umcfs097\radngdata$", "H:\\"),
        Mount(r"\\srv\data", "K:\\"),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "x", "a b", "//a/b /c", "There are no entries."])
def test_nothing_is_mounted(text: str) -> None:
    for read in (read_proc_mounts, read_macos_mount, read_net_use):
        assert read(text) == []


@given(st.text() | st.text("/\\:ab \n()0134cifsnfo,@%;", max_size=80))
def test_no_text_gives_a_traceback(text: str) -> None:
    read_roots(text)
    for read in (read_proc_mounts, read_macos_mount, read_net_use):
        read(text)


def test_this_system_can_be_asked() -> None:
    assert isinstance(system_mounts(), list)
