#!/usr/bin/env python3
"""Writes tests/digest_vectors.tsv: digest answers computed by hashlib, to hold crates/sip against.

Run it from anywhere: python3 crates/sip/tests/digest_vectors.py
"""
import hashlib
import itertools
import pathlib

HASHES = {
    "MD5": lambda data: hashlib.md5(data).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
    "truncated": lambda data: hashlib.sha512(data).hexdigest()[:64],
}
COLUMNS = (
    "algorithm truncated qop userhash username realm password method uri body nonce cnonce nc "
    "ha1 userhash_value response"
).split()
PEOPLE = [
    ("6221500004", "ims.carrier.co.id", "s3cret"),
    ("J\u00e4s\u00f8n Doe", "sip-1.pb", "Secret, or \u00fcot?"),
    ('o"hara\\x', 'the "best" realm', "a:b:c"),
]
REQUESTS = [
    ("REGISTER", "sip:ims.carrier.co.id:5060;transport=udp", ""),
    ("OPTIONS", "sips:[2001:db8::1]", "v=0"),
]
NONCE, CNONCE = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34", "0a4f113b"


def answer(name, truncated, qop, person, request, nc):
    h = HASHES["truncated" if truncated else name.removesuffix("-sess")]
    join = lambda *parts: h(":".join(parts).encode())
    (username, realm, password), (method, uri, body) = person, request
    ha1 = join(username, realm, password)
    a1 = join(ha1, NONCE, CNONCE) if name.endswith("-sess") else ha1
    ha2 = join(method, uri, h(body.encode())) if qop == "auth-int" else join(method, uri)
    middle = [] if qop == "none" else [f"{nc:08x}", CNONCE, qop]
    return ha1, join(username, realm), join(a1, NONCE, *middle, ha2)


def rows():
    names = ["MD5", "SHA-256", "SHA-512-256"]
    algorithms = [(n + s, False) for n in names for s in ("", "-sess")]
    algorithms += [("SHA-512-256", True), ("SHA-512-256-sess", True)]
    qops, counts = ["none", "auth", "auth-int"], itertools.cycle([1, 2, 0xABCDEF12, 0xFFFFFFFF])
    for (name, truncated), qop, userhash, person, request in itertools.product(
        algorithms, qops, ["false", "true"], PEOPLE, REQUESTS
    ):
        nc = next(counts)
        computed = answer(name, truncated, qop, person, request, nc)
        yield [name, str(truncated).lower(), qop, userhash, *person, *request, NONCE, CNONCE, str(nc), *computed]


def main():
    lines = ["\t".join(COLUMNS)] + ["\t".join(row) for row in rows()]
    path = pathlib.Path(__file__).with_name("digest_vectors.tsv")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
