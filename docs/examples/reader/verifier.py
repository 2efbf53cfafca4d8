#!/usr/bin/env python3
"""Checks a git-kv namespace against docs/FORMAT.md, with nothing but Python, git and ssh-keygen, from the first transaction of
the oldest epoch that is there to the newest: chain, trailers, signatures, values, chunks, index, watchlog.

  verifier.py REPOSITORY NAMESPACE     prints each fault; exit 0: none, 8: some

It recomputes everything from the ledger and believes nothing else. OpenPGP signatures are left to gpg, and said so."""
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from urllib.parse import unquote

from blake3 import blake3
from reader import Git, encode, record, shards, urlsafe, whole_value

TRAILERS = ("KV-NS", "KV-Txn", "Base-Tree", "KV-Index-Tree", "KV-Chunks-Tree", "Epoch", "Parent-Epoch", "Keys-Set", "Keys-Del")
LAYOUT = {"v": 1, "pair": 2, "levels": 2, "split_above": 256}
HEADERS = ["tree", "parent", "author", "committer", "gpgsig"]


class Commit:
    def __init__(self, git, oid, trailers=()):
        self.oid, body = oid, git.read(oid)
        head, _, self.message = body.partition(b"\n\n")
        lines = re.sub(rb"\n ", b"\0", head).split(b"\n")  # a continued header becomes one line
        names = [line.split(b" ", 1)[0].decode() for line in lines]
        self.parents = [line.split()[1].decode() for line in lines if line.startswith(b"parent ")]
        self.tree = lines[0].split()[1].decode()
        signatures = [line for line in lines if line.startswith(b"gpgsig")]
        self.signature = signatures[0].split(b" ", 1)[1].replace(b"\0", b"\n") + b"\n" if signatures else None
        unsigned = b"\n".join(line for line in lines if line not in signatures)
        self.payload = unsigned.replace(b"\0", b"\n ") + b"\n\n" + self.message
        ordered = [name.replace("gpgsig-sha256", "gpgsig") for name in names]
        self.faults = [] if ordered == [name for name in HEADERS if name in ordered] else [f"headers {names}"]
        last = self.message.decode().rstrip("\n").rsplit("\n\n", 1)[-1]
        self.trailers = {}
        for name, value in re.findall(r"^([A-Za-z-]+): (.*)$", last, re.M):
            if name in trailers and name in self.trailers:
                self.faults.append(f"trailer {name} twice")
            self.trailers[name] = value
        self.faults += [f"trailer {name} is missing" for name in trailers if name not in self.trailers]


def blob_id(git, body):
    """The id that git would give a blob."""
    return hashlib.new(git.format, b"blob %d\0" % len(body) + body).hexdigest()


def index_tree(git, ns, pointers):
    """Every file of the index, as the layout has it: name of the urlsafe key to (mode, pointer) in, path to (mode, oid) out."""
    files = {}

    def place(names, directory, level):
        deeper, padded = {}, level < LAYOUT["levels"]
        for name in names:
            pair = name[2 * level:2 * level + 2].ljust(2 if padded else 0, "_")
            if len(pair) == 2 and (padded or len(names) > LAYOUT["split_above"]):
                deeper.setdefault(pair, []).append(name)
            else:
                files[f"{directory}{name}.ref"] = pointers[name]
        for pair, below in deeper.items():
            place(below, f"{directory}{pair}/", level + 1)

    place(list(pointers), f"kv/{ns}/index/", 0)
    files[f"kv/{ns}/index/layout.json"] = ("100644", encode(LAYOUT))
    return {path: (mode, blob_id(git, body)) for path, (mode, body) in files.items()}


def policy_keys(git, ns):
    """Writers and admins, as `type base64` lines. The few shapes of YAML that init writes; use a YAML library for all others."""
    keys, path = {}, []
    for line in (git.read("refs/kv-policy/current:.kv/policy.yaml") or b"").decode().splitlines():
        indent, word = re.match(r'^( *)"?([^":#]*)"?:', line), re.match(r'^ *- "?(ssh-\S+ [^ "]+|ecdsa-\S+ [^ "]+|sk-\S+ [^ "]+)', line)
        if word:
            keys.setdefault("/".join(path), set()).add(word[1])
        elif indent:
            path[len(indent[1]) // 2:] = [indent[2]]
    return keys.get(f"namespaces/{ns}/writers", set()), keys.get("stargate/admins", set())


class Verifier:
    def __init__(self, repository, ns):
        self.git, self.ns, self.faults, self.notes, self.seen = Git(repository), ns, [], [], set()
        self.git.format = self.git.run("rev-parse", "--show-object-format").decode().strip()
        self.empty = self.git.run("hash-object", "-t", "tree", "/dev/null").decode().strip()
        lines = self.git.run("for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
        self.refs = dict(line.split(" ") for line in lines)
        self.writers, self.admins = policy_keys(self.git, ns)
        self.repository = (self.git.read("refs/kv-policy/current:.kv/repository") or b"").decode().strip() or None
        self.sequencers = (self.git.read("refs/kv-policy/current:.kv/sequencer-keys") or b"").decode().splitlines()

    def fault(self, where, what):
        self.faults.append(f"{where}: {what}")

    def expect(self, where, what, found, wanted):
        if found != wanted:
            self.fault(where, f"{what} is {found}, not {wanted}")

    def chain(self, tip, trailers=()):
        """The commits of a ref, oldest first; each has at most one parent."""
        commits = [Commit(self.git, tip, trailers)]
        while commits[-1].parents:
            commits.append(Commit(self.git, commits[-1].parents[0], trailers))
        for commit in commits:
            self.faults += [f"{commit.oid}: {fault}" for fault in commit.faults]
            if len(commit.parents) > 1:
                self.fault(commit.oid, "a merge")
        return commits[::-1]

    def verify(self):
        """All epochs, from the newest backwards."""
        ledger, index = self.refs.get(f"refs/kv/{self.ns}"), self.refs.get(f"refs/kv-index/{self.ns}")
        if ledger is None or index is None:
            return self.fault(self.ns, "has no ledger or no index")
        first = self.epoch(ledger, index)
        self.expect(f"refs/kv-epoch/{self.ns}", "the ref", self.refs.get(f"refs/kv-epoch/{self.ns}"), first.oid)
        while first.trailers.get("Parent-Epoch", "-") != "-":
            label, parent = first.trailers["Parent-Epoch"], first.trailers.get("Parent-Ledger")
            archive = self.refs.get(f"refs/kv-archive/{self.ns}@{label}")
            if archive is None:
                if f"refs/kv-compacted/{self.ns}@{label}" not in self.refs:
                    self.fault(first.oid, f"its epoch before, {label}, has neither archive nor compacted ref")
                return self.notes.append(f"epoch {label} was compacted away: what came before {first.oid} can't be checked here")
            kept = Commit(self.git, archive)
            self.expect(archive, "the archived ledger", kept.parents[:1], [parent])
            self.expect(archive, "the tree", kept.tree, first.tree)
            if len(kept.parents) != 2:
                return self.fault(archive, "has not two parents")
            oldest = first
            first = self.epoch(*kept.parents)
            self.expect(oldest.oid, "Parent-Epoch", label, first.trailers.get("Epoch"))

    def epoch(self, ledger_tip, index_tip):
        """One epoch, oldest transaction first; gives its first commit."""
        ledger, index = self.chain(ledger_tip, TRAILERS), self.chain(index_tip, ("KV-NS", "KV-Txn", "KV-Ledger-Tree"))
        first, label = ledger[0], ledger[0].trailers.get("Epoch")
        ref = self.refs.get(f"refs/kv-chunks/{self.ns}@{label}")
        chunks = self.chain(ref, ("KV-NS", "KV-Txn")) if ref else []
        self.expect(index_tip, "the number of index commits", len(index), len(ledger))
        self.expect(ref, "the number of chunks commits", len(chunks),
                    sum(commit.trailers.get("KV-Chunks-Tree") != "-" for commit in ledger))
        self.watchlog(label, ledger)
        base, pointers, known, used = None, {}, {}, set()
        for commit, its_index in zip(ledger, index):
            if commit.trailers.get("KV-Txn") in used:
                self.fault(commit.oid, "uses the id of a transaction before it")
            used.add(commit.trailers.get("KV-Txn"))
            if commit.trailers.get("KV-Chunks-Tree") != "-" and chunks:
                known = self.new_chunks(commit, chunks.pop(0), known)
            self.trailers(commit, its_index, first, base)
            keys = self.admins if commit is first and "Parent-Ledger" in commit.trailers else self.writers
            self.signature(commit, self.intent(commit, keys) if "KV-Intent" in commit.trailers else keys)
            self.changes(commit, base, pointers, known)
            for path in self.git.empty_directories(commit.tree) + self.git.empty_directories(its_index.tree):
                self.fault(commit.oid, f"{path!a} is a directory without files")
            expected = index_tree(self.git, self.ns, pointers)
            if self.git.files(its_index.tree) != expected:
                self.fault(its_index.oid, f"the index is not what the ledger {commit.oid} gives")
            base = commit
        return first

    def trailers(self, commit, index, first, base):
        got = commit.trailers
        for other in (commit, index):
            self.expect(other.oid, "KV-NS", other.trailers.get("KV-NS"), self.ns)
        self.expect(index.oid, "KV-Txn", index.trailers.get("KV-Txn"), got.get("KV-Txn"))
        self.expect(index.oid, "KV-Ledger-Tree", index.trailers.get("KV-Ledger-Tree"), commit.tree)
        self.expect(commit.oid, "KV-Index-Tree", got.get("KV-Index-Tree"), index.tree)
        self.repository = self.repository or got.get("KV-Repository")  # where none is published, all name the same
        self.expect(commit.oid, "KV-Repository", got.get("KV-Repository", self.repository), self.repository)
        for name in ("Epoch", "Parent-Epoch"):
            self.expect(commit.oid, name, got.get(name), first.trailers.get(name))
        later = got.get("Parent-Epoch") != "-"  # an epoch that has one before it
        self.expect(commit.oid, "Base-Tree", got.get("Base-Tree"), base.tree if base else commit.tree if later else "-")
        self.expect(commit.oid, "a Parent-Ledger", "Parent-Ledger" in got, base is None and later)

    def new_chunks(self, commit, chunks, known):
        """The chunks of a transaction: none is lost or changed, and each is what its name says."""
        self.expect(commit.oid, "KV-Chunks-Tree", commit.trailers.get("KV-Chunks-Tree"), chunks.tree)
        self.expect(chunks.oid, "KV-Txn", chunks.trailers.get("KV-Txn"), commit.trailers.get("KV-Txn"))
        files = self.git.files(chunks.tree)
        for path in self.git.empty_directories(chunks.tree):
            self.fault(chunks.oid, f"{path!a} is a directory without files")
        if not known.items() <= files.items():
            self.fault(chunks.oid, "a chunk was taken away or changed")
        for path, (mode, oid) in files.items() - known.items():
            digest = hashlib.sha256(self.git.read(oid) or b"").hexdigest()
            self.expect(chunks.oid, "a chunk's place", path, f"kv/{self.ns}/chunks/sha256/{digest[:2]}/{digest[2:4]}/{digest}")
            self.expect(path, "the mode", mode, "100644")
        return files

    def changes(self, commit, base, pointers, known):
        """Brings the pointers from one ledger tree to the next, and checks what came."""
        before, after = (self.git.files(tree) for tree in (base.tree if base else self.empty, commit.tree))
        paths = {path for path, _ in before.items() ^ after.items()}
        names = {re.sub(r"\.(meta|manifest\.json)$", "", path.rsplit("/", 1)[-1]) for path in paths}
        counts = {"Keys-Set": 0, "Keys-Del": 0}
        for name in names:
            key = unquote(name)
            data, meta = (f"kv/{self.ns}/{kind}/{shards(key)}/{name}" for kind in ("data", "meta"))
            own = {data, data + ".manifest.json", meta + ".meta"}
            paths -= own
            here = {path: after[path] for path in own if path in after}
            if urlsafe(key) != name or len(here) not in (0, 2) or (here and meta + ".meta" not in here):
                self.fault(commit.oid, f"the files of {name} don't go together")
            elif here:
                counts["Keys-Set"] += 1
                pointers[name] = self.value(commit, key, here, data, meta, known)
            else:
                counts["Keys-Del"] += 1
                gone = {"v": 1, "key": key, "type": "deleted", "ledger_blob": None, "manifest_blob": None, "size": 0, "ctype": None}
                pointers[name] = ("100755", encode(gone))
        for path in paths:
            self.fault(commit.oid, f"{path} has no place in a ledger")
        if "Parent-Ledger" in commit.trailers:  # carries over what the epoch before had
            counts = {"Keys-Set": 0, "Keys-Del": 0}
        for name, count in counts.items():
            self.expect(commit.oid, name, commit.trailers.get(name), str(count))

    def value(self, commit, key, here, data, meta, known):
        """Checks metadata, value and chunks of a key that was set; gives its pointer with its mode."""
        where = f"{commit.oid}: {key!r}"
        metadata = record(self.git.read(here[meta + ".meta"][1]), where)
        if any(mode != "100644" for mode, _ in here.values()):
            self.fault(where, "a file's mode")
        if "Parent-Ledger" not in commit.trailers:
            self.expect(where, "txn", metadata.get("txn"), commit.trailers.get("KV-Txn"))
        blob = here.get(data, (None, None))[1]
        manifest = here.get(data + ".manifest.json", (None, None))[1]
        if blob:
            value, size = self.git.read(blob), None
        else:
            listed = record(self.git.read(manifest), where)
            for chunk in listed["chunks"]:
                digest = chunk["digest"].split(":")[1]
                path = f"kv/{self.ns}/chunks/sha256/{digest[:2]}/{digest[2:4]}/{digest}"
                self.expect(where, f"chunk {chunk['i']}", ("100644", chunk["blob_oid"]), known.get(path))
            self.expect(where, "the manifest's key", listed["key"], key)
            self.expect(where, "git_hash", listed["git_hash"], self.git.format)
            self.expect(where, "the manifest's ETag", listed["etype"], metadata["etag"])
            self.expect(where, "the chunks' numbers", [c["i"] for c in listed["chunks"]], list(range(len(listed["chunks"]))))
            value, size = whole_value(self.git, listed), listed["total_size"]
            self.expect(where, "total_size", size, len(value))
        if (blob or manifest, metadata["etag"]) not in self.seen:  # hashing is slow here: each value once
            self.expect(where, "the ETag", metadata["etag"], "blake3:" + blake3(value))
            self.seen.add((blob or manifest, metadata["etag"]))
        pointer = {"v": 1, "key": key, "type": "inline" if blob else "chunked", "ledger_blob": blob, "manifest_blob": manifest,
                   "size": len(value), "ctype": metadata["ctype"]}
        if "ttl" in metadata:
            pointer["ttl"] = metadata["ttl"]
        return ("100755" if "ttl" in metadata else "100644", encode(pointer))

    def intent(self, commit, keys):
        """Checks who signed the intent, where it is here; gives the keys that sign what the Stargate makes of one."""
        oid, note = commit.trailers["KV-Intent"], "intents are not here: that their writers wanted this is the Stargate's word"
        if self.git.read(oid) is not None:
            intent = Commit(self.git, oid)
            self.expect(oid, "KV-Txn", intent.trailers.get("KV-Txn"), commit.trailers.get("KV-Txn"))
            self.signature(intent, keys)
        elif note not in self.notes:
            self.notes.append(note)
        return self.sequencers

    def signature(self, commit, keys):
        if commit.signature is None:
            return self.fault(commit.oid, "is not signed")
        if b"PGP" in commit.signature.split(b"\n")[0]:
            return self.notes.append(f"{commit.oid} has an OpenPGP signature: git verify-commit checks it")
        with tempfile.TemporaryDirectory() as folder:
            signers, signature = os.path.join(folder, "signers"), os.path.join(folder, "signature")
            with open(signers, "w") as file:
                file.writelines(f'signer namespaces="git" {key}\n' for key in keys)
            with open(signature, "wb") as file:
                file.write(commit.signature)
            command = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "signer", "-n", "git", "-s", signature]
            if subprocess.run(command, input=commit.payload, capture_output=True).returncode != 0:
                self.fault(commit.oid, "no signature of a key that the policy in force allows")

    def watchlog(self, label, ledger):
        """One event a transaction, in the ledger's order."""
        ref = f"refs/kv-watchlog/{self.ns}@{label}"
        commits = self.chain(self.refs[ref]) if ref in self.refs else []
        self.expect(ref, "the number of events", len(commits), len(ledger))
        for entry, commit in zip(commits, ledger):
            event, got = record(entry.message.rstrip(b"\n"), entry.oid), commit.trailers
            self.expect(entry.oid, "the tree", entry.tree, self.empty)
            wanted = {"ns": self.ns, "epoch": label, "oid": commit.oid, "txn": got.get("KV-Txn")}
            wanted |= {"set": int(got.get("Keys-Set", -1)), "del": int(got.get("Keys-Del", -1))}
            if commit is ledger[0] and got.get("Parent-Epoch") != "-":
                wanted["parent_epoch"] = got.get("Parent-Epoch")
            said = {name: value for name, value in event.items() if name not in ("v", "received", "signer")}
            self.expect(entry.oid, "the event", said, wanted)


def main(repository, ns):
    verifier = Verifier(repository, ns)
    try:
        verifier.verify()
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # what is so wrong that it can't be read
        verifier.fault(ns, f"can't be read on: {error!r}")
    for note in verifier.notes:
        print(f"note: {note}")
    for fault in verifier.faults:
        print(f"fault: {fault}")
    count = len(verifier.faults)
    print(f"{count} fault{'s' * (count > 1)}" if count else "no fault")
    return 8 if verifier.faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
