#!/usr/bin/env python3
"""Reads values of a git-kv namespace, with nothing but Python and git: what docs/FORMAT.md says, as a program.

  reader.py REPOSITORY NAMESPACE list [PREFIX]     the live keys, one a line
  reader.py REPOSITORY NAMESPACE get KEY           a value's bytes; exit 6: no such key, 7: expired

REPOSITORY is a mirror, or a `git clone --mirror` of one."""
import hashlib
import json
import subprocess
import sys
from datetime import datetime, timezone
from urllib.parse import quote, unquote

from blake3 import blake3


class Git:
    """One `git cat-file --batch` for all objects of a repository."""

    def __init__(self, repository):
        self.command = ["git", "--git-dir", repository]
        self.batch = subprocess.Popen(self.command + ["cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, name):
        """The bytes of an object; None when there is none. A name may be REF:PATH."""
        self.batch.stdin.write(name.encode() + b"\n")
        self.batch.stdin.flush()
        header = self.batch.stdout.readline().split()
        if len(header) != 3:
            return None
        body = self.batch.stdout.read(int(header[2]))
        self.batch.stdout.read(1)
        return body

    def run(self, *arguments):
        return subprocess.run(self.command + list(arguments), check=True, stdout=subprocess.PIPE).stdout

    def files(self, tree, *paths):
        """Path to (mode, oid) of all that is in a tree."""
        lines = self.run("ls-tree", "-r", "-z", "--full-tree", tree, *paths).decode().split("\0")
        entries = (line.split("\t") for line in lines if line)
        return {path: (words.split()[0], words.split()[2]) for words, path in entries}

    def empty_directories(self, tree):
        """The directories below which there is no file."""
        names = self.run("ls-tree", "-r", "-d", "-z", "--name-only", "--full-tree", tree).decode(errors="replace").split("\0")
        full = {path[:at] for path in self.files(tree) for at, char in enumerate(path) if char == "/"}
        return sorted(set(filter(None, names)) - full)


def urlsafe(key):
    """A key as it stands in a path: quote() leaves . and ~ alone, the format does not."""
    return quote(key, safe=":").replace(".", "%2E").replace("~", "%7E")


def shards(key):
    digest = hashlib.sha256(key.encode()).hexdigest()
    return digest[:2] + "/" + digest[2:4]


def record(body, what):
    """A JSON record, which must be of version 1 and in its one form."""
    fields = json.loads(body)
    if fields.get("v") != 1:
        raise ValueError(f"{what}: version {fields.get('v')} is not known")
    if encode(fields) != body:
        raise ValueError(f"{what}: not in its one form")
    return fields


def encode(fields):
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def expired(ttl):
    return ttl is not None and ttl <= datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole_value(git, manifest):
    """The bytes of a value in chunks, each checked."""
    chunks = []
    for chunk in manifest["chunks"]:
        body = git.read(chunk["blob_oid"])
        if body is None or len(body) != chunk["size"] or "sha256:" + hashlib.sha256(body).hexdigest() != chunk["digest"]:
            raise ValueError(f"chunk {chunk['i']} is missing or not what the manifest says")
        chunks.append(body)
    return b"".join(chunks)


def get(git, ns, key):
    """A key's (metadata, value); None when it is not there. Raises ValueError for what does not agree."""
    data, meta = (f"refs/kv/{ns}:kv/{ns}/{kind}/{shards(key)}/{urlsafe(key)}" for kind in ("data", "meta"))
    body = git.read(meta + ".meta")
    if body is None:
        return None
    metadata, value = record(body, "metadata"), git.read(data)
    if value is None:
        value = whole_value(git, record(git.read(data + ".manifest.json"), "manifest"))
    if metadata["etag"] != "blake3:" + blake3(value):
        raise ValueError("the value is not what its ETag says")
    return metadata, value


def live_keys(git, ns):
    """Every live key, from the names in the index; only files of mode 100755 are opened."""
    layout = git.read(f"refs/kv-index/{ns}:kv/{ns}/index/layout.json")
    if layout is None:
        raise ValueError(f"namespace {ns} has no index here")
    if layout != b'{"v":1,"pair":2,"levels":2,"split_above":256}':
        raise ValueError("a layout that this reader does not know")
    files = git.files(f"refs/kv-index/{ns}").items()
    names = {path.rsplit("/", 1)[1][: -len(".ref")]: file for path, file in files if path.endswith(".ref")}
    for name, (mode, oid) in sorted(names.items()):
        pointer = record(git.read(oid), name) if mode == "100755" else {}
        if pointer.get("type") != "deleted" and not expired(pointer.get("ttl")):
            yield unquote(name)


def main(repository, ns, verb, operand=""):
    git = Git(repository)
    if verb == "list":
        for key in live_keys(git, ns):
            if key.startswith(operand):
                print(key)
        return 0
    found = get(git, ns, operand)
    if found is None:
        return 6
    if expired(found[0].get("ttl")):
        return 7
    sys.stdout.buffer.write(found[1])
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5) or sys.argv[3] not in ("get", "list"):
        sys.exit(__doc__)
    try:
        sys.exit(main(*sys.argv[1:]))
    except ValueError as error:
        sys.exit(f"error: {error}")
