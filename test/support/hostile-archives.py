"""Writes hostile archives into the folder that is its first argument, by Python's own tarfile and header by header.

The second argument is a folder of the host that none of them may reach. Prints what it wrote: a name a line.
"""
import io
import itertools
import os
import random
import sys
import tarfile

folder, canary = sys.argv[1:3]
count = 0
HOST = canary.strip("/")


def write(name, data):
    global count
    count += 1
    path = f"{count:04}-{name}"
    with open(os.path.join(folder, path), "wb") as file:
        file.write(data)
    print(path)


def entry(name, kind=tarfile.REGTYPE, link="", data=b"escaped", **more):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def folder_entry(name):
    return entry(name, tarfile.DIRTYPE, mode=0o755)


def archive(*entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data) if info.size else None)
    return out.getvalue()


def header(name=b"x", kind=b"0", size=b"00000000007\0", link=b"", prefix=b"", magic=b"ustar\x0000", mode=b"0000644\0", uid=b"0000000\0", mtime=b"00000000000\0", checksum=None, tail=b""):
    block = name[:100].ljust(100, b"\0") + mode + uid + b"0000000\0" + size + mtime + b" " * 8 + kind + link[:100].ljust(100, b"\0") + magic + b"\0" * 64
    block += b"0000000\0" * 2 + prefix[:155].ljust(155, b"\0")
    block = (block + tail).ljust(512, b"\0")[:512]
    total = sum(block) if checksum is None else checksum
    return block[:148] + b"%06o\0 " % total + block[156:]


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def pax(records, kind=b"x"):
    body = b""
    for key, value in records:
        line = b" " + key + b"=" + value + b"\n"
        length = len(line) + 1
        while len(b"%d" % length) + len(line) != length:
            length = len(b"%d" % length) + len(line)
        body += b"%d" % length + line
    return header(b"PaxHeader", kind, b"%011o\0" % len(body)) + padded(body)


def gnu_long(name, kind=b"L"):
    return header(b"././@LongLink", kind, b"%011o\0" % (len(name) + 1), magic=b"ustar  \0") + padded(name + b"\0")


END = b"\0" * 1024
DATA = padded(b"escaped")

# D1: names that lead out, in every way to write one.
up = "../" * 12
ways = [
    "..", "../x", "../../x", "a/../../x", "a/b/../../../x", "./../x", ".//..//x", "a/./../../x", "../", "a/..", "a/../", f"{up}{HOST}/x", f"/{up}{HOST}/x", f"/{HOST}/x",
    f"//{HOST}/x", f"///{HOST}/x", f"./{up}{HOST}/x", f"a/{up}{HOST}/x", f"{up}etc/tsrun-escaped", "/..", "/../x", "/./../x", "....//....//x/../../../x", "\\..\\..\\x", "..\\x", "C:/x", f"file://{canary}/x",
    "~/x", "~root/x", "%2e%2e/x", "..%2fx", "\u2025/x", "\uff0e\uff0e/x", ".. /x", " ../x", "..\u200b/x", "-rf", "--checkpoint-action=exec=sh", "a\nb", "a\0b" if False else "a\tb",
]
for form, way in itertools.product([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ways):
    write("name", archive(folder_entry("a"), entry(way), form=form))
    write("name-folder", archive(entry(way, tarfile.DIRTYPE), form=form))
for way in ways[:20]:
    raw = way.encode()
    write("ustar-prefix", header(b"x", prefix=raw) + DATA + END)
    write("pax-path", pax([(b"path", raw)]) + header(b"innocent") + DATA + END)
    write("pax-twice", pax([(b"path", b"innocent"), (b"path", raw)]) + header(b"innocent") + DATA + END)
    write("pax-global", pax([(b"path", raw)], b"g") + header(b"innocent") + DATA + END)
    write("gnu-long", gnu_long(raw) + header(b"innocent", magic=b"ustar  \0") + DATA + END)
    write("gnu-after-pax", pax([(b"path", b"innocent")]) + gnu_long(raw) + header(b"innocent") + DATA + END)
    write("pax-after-gnu", gnu_long(b"innocent") + pax([(b"path", raw)]) + header(b"innocent") + DATA + END)
    write("sparse-name", pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", raw), (b"GNU.sparse.realsize", b"7")]) + header(b"innocent", size=b"%011o\0" % 519) + padded(b"1\n0\n7\n") + DATA + END)
for raw in [b"/safe\0/../../x", b"a\0b", b"\0", b"\xff\xfe/../x", b"x" * 300, b"x/" * 3000 + b"x", b"d/" * 300 + b"x", (b"y" * 255 + b"/") * 20 + b"x", b"\xc0\xae\xc0\xae/x", b"", b".", b"./", b"/", b"//"]:
    write("pax-raw", pax([(b"path", raw)]) + header(b"innocent") + DATA + END)
    write("gnu-raw", gnu_long(raw) + header(b"innocent", magic=b"ustar  \0") + DATA + END)
    write("header-raw", header(raw) + DATA + END)

# D2: a link, and something written through it.
targets = ["/", canary, f"{up}{HOST}", "..", ".", f"/proc/self/root/{HOST}", f"/proc/1/root/{HOST}", "/proc/self/cwd/..", f"{up}", "a/../..", "/dev/fd/3"]
for target in targets:
    link = entry("l", tarfile.SYMTYPE, target)
    write("link-file", archive(link, entry("l/canary")))
    write("link-folder", archive(link, entry("l/new", tarfile.DIRTYPE)))
    write("link-as-folder", archive(link, folder_entry("l/"), entry("l/canary")))
    write("link-link", archive(link, entry("l/canary", tarfile.SYMTYPE, "gone")))
    write("link-hard", archive(link, entry("h", tarfile.LNKTYPE, "l/canary"), entry("h")))
    write("link-whiteout", archive(link, entry("l/.wh.canary", data=b"")))
    write("link-opaque", archive(link, entry("l/.wh..wh..opq", data=b"")))
    write("link-deep", archive(folder_entry("a"), entry("a/l", tarfile.SYMTYPE, target), entry("a/l/b/c/canary")))
    write("link-later", archive(folder_entry("d"), entry("d/f"), entry("d", tarfile.SYMTYPE, target), entry("d/canary")))
    write("link-over-file", archive(entry("f", tarfile.SYMTYPE, f"{target}/canary"), entry("f")))
    write("link-pipe", archive(link, entry("l/p", tarfile.FIFOTYPE)))
    write("link-mode", archive(link, entry("l", tarfile.DIRTYPE, mode=0o000, uid=4242)))
    write("link-hard-mode", archive(link, entry("h", tarfile.LNKTYPE, "l", mode=0o000, uid=4242)))
# CVE-2026-26960: a chain of links, each of which looks innocent.
for depth in range(2, 12):
    chain = [folder_entry("/".join("abcdefghijkl"[:depth]))]
    chain += [entry("/".join("abcdefghijkl"[:depth]) + "/up", tarfile.SYMTYPE, "../" * depth), entry("out", tarfile.SYMTYPE, "/".join("abcdefghijkl"[:depth]) + f"/up/../{up}{HOST}"), entry("out/canary"), entry("h", tarfile.LNKTYPE, "out/canary")]
    write("chain", archive(*chain))

# D3: hard links to what is none of theirs.
for target in ["/etc/passwd", f"{canary}/canary", f"{up}{HOST}/canary", "..", "/", ".", "h", "missing", "d", "d/../../x", f"/proc/self/root/{HOST}/canary", ""]:
    write("hard", archive(folder_entry("d"), entry("h", tarfile.LNKTYPE, target), entry("h")))
    write("hard-chmod", archive(folder_entry("d"), entry("h", tarfile.LNKTYPE, target, mode=0o4777, uid=0)))
    write("hard-pax", pax([(b"linkpath", target.encode())]) + header(b"h", b"1", b"00000000000\0", b"x") + END)

# D4: devices, attributes, set-user-ID files.
for kind, (major, minor) in itertools.product([tarfile.CHRTYPE, tarfile.BLKTYPE], [(0, 0), (1, 1), (1, 3), (8, 0), (5, 1), (10, 229)]):
    write("device", archive(entry("dev", kind, devmajor=major, devminor=minor), entry("dev/x")))
for key in ["trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy", "user.overlay.opaque", "trusted.overlay.overlay.opaque", "security.selinux", "security.ima", "security.evm", "", "user.", "bad", "system.posix_acl_access", "x" * 300, "user." + "y" * 251]:
    info, data = entry("f")
    info.pax_headers = {f"SCHILY.xattr.{key}": "/etc"}
    write("xattr", archive((info, data)))
    folder_info, nothing = folder_entry("d")
    folder_info.pax_headers = {f"SCHILY.xattr.{key}": "y" * 70_000}
    write("xattr-large", archive((folder_info, nothing)))

# D5: whiteouts.
for name in [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh...", ".wh.x/y", ".wh.../x", ".wh.a/../../x", f".wh.{up}{HOST}", "d/.wh..wh..opq/x", ".wh..wh..opq/../x", ".wh./x", ".wh.d/.wh.x"]:
    write("whiteout", archive(folder_entry("d"), entry(name, data=b"")))
    write("whiteout-folder", archive(entry(name, tarfile.DIRTYPE)))
    write("whiteout-link", archive(entry(name, tarfile.SYMTYPE, canary), entry(f"{name}/canary")))

# D6: sizes and headers that are lies, streams that stop.
for size in [b"77777777777\0", b"-0000000001\0", b"\x80" + b"\xff" * 11, b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7, b"\xff" * 12, b"\xff" * 11 + b"\x80", b"99999999999\0", b"zzzzzzzzzzz\0", b"           \0", b"0x00000010\0\0"]:
    for kind in [b"0", b"5", b"1", b"2", b"L", b"K", b"x", b"g", b"S", b"D", b"V", b"M", b"N", b"A", b"X", b"?"]:
        write("size", header(b"f", kind, size, b"f") + DATA + END)
for claim in [b"9223372036854775807", b"-1", b"18446744073709551616", b"1e9", b"", b"8589934592"]:
    write("pax-size", pax([(b"size", claim)]) + header(b"f") + DATA + END)
    write("pax-realsize", pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", claim)]) + header(b"f", size=b"%011o\0" % 519) + padded(b"1\n" + claim + b"\n7\n") + DATA + END)
    write("pax-sparse-map", pax([(b"GNU.sparse.numblocks", b"1"), (b"GNU.sparse.size", claim), (b"GNU.sparse.map", claim + b",7")]) + header(b"f") + DATA + END)
    write("pax-uid", pax([(b"uid", claim), (b"mtime", claim + b".5")]) + header(b"f") + DATA + END)
for body in [b"5 a=b\n", b"99999999999999999999 path=x\n", b"-5 path=x\n", b"0 path=x\n", b"9 path=x", b"path=../x\n", b"\n", b"11 path=a\0b\n", b"6 path\n", b"7 =val\n"]:
    write("pax-damaged", header(b"PaxHeader", b"x", b"%011o\0" % len(body)) + padded(body) + header(b"f") + DATA + END)
good = archive(folder_entry("d"), entry("d/a", data=b"1" * 2000), entry("d/l", tarfile.SYMTYPE, "a"), entry("d/h", tarfile.LNKTYPE, "d/a"))
random.seed(7)
for at in [1, 100, 511, 513, 700, 1023, 1025, 1537, 2000, 3000]:
    write("cut", good[:at])
for _ in range(60):
    damaged = bytearray(good)
    for _ in range(random.choice([1, 1, 2, 8])):
        damaged[random.randrange(4096)] ^= 1 << random.randrange(8)
    write("flipped", bytes(damaged))
for _ in range(30):
    write("noise", random.randbytes(random.choice([1, 511, 512, 513, 4096])))
write("no-checksum", header(b"f", checksum=0) + DATA + END)
write("mixed-magic", header(b"../x", magic=b"UsTaR\x0000") + DATA + END)
write("many", archive(*[entry(f"f{index}", data=b"") for index in range(3000)]))
write("deep", archive(entry("/".join(["d"] * 300) + "/x")))
