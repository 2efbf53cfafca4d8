import { Args } from '@oclif/core';
import { KvCommand } from '../../oclif/base.js';
import { GET_FLAGS } from '../../parse/flags.js';
import { runGet } from '../../fast/get.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';

/** `git kv get` in any form that `fast/get` does not take. */
export class Get extends KvCommand {
  static override inRealities = true;
  static override summary = 'print the values of keys';
  static override description = prose(`Fetches the namespace from the mirror (or where --read-from says), then
prints exactly the value's bytes. On a terminal, a newline is added and a binary value refused, unless
--raw is given; what would steer the terminal is shown, as JSON escapes it. With --json, prints the
value (value, or value_b64 when it is not UTF-8) with its metadata, its blob (oid, what --expect-blob takes), and the
ledger's commit and tree (what --expect-tree takes).

With several keys, or --prefix, all are read from one state, by one process. Each is a line: the key, a tab, and the value, in
which line ends, tabs and control characters are escaped, and the line end behind it is left out; with --json, each is a JSON object on a line of
its own (of a prefix without keys, one line names the state); with -z, each key and each value is given exactly, with a NUL byte behind
it. Keys that can't be read are left out (with --json, they have an error), and named at the end, and the exit code is that of the first. So
are binary values, with exit code 64: they are no line; -z leaves out only those with a NUL byte, and --json gives all.

With --at, gives what the key was then, in whichever epoch; whether it had expired is judged by that time too. A time is
held against the Stargate's receipt times, where a watchlog has them, else against the writers' clocks.

To fetch only when the last fetch is older than that: git config kv.maxAge 30s`);
  static override examples = [
    '<%= config.bin %> get cfg:mode',
    '<%= config.bin %> get cfg:mode cfg:limit --json',
    '<%= config.bin %> get --prefix cfg: -z',
    '<%= config.bin %> get user:42:avatar --output avatar.png',
    '<%= config.bin %> get cfg:mode --json --read-from=stargate',
    '<%= config.bin %> get cfg:mode --at 2027-01-31T12:00:00Z',
    '<%= config.bin %> get -- -a-key-with-a-dash',
  ];
  static override args = { key: Args.string({ multiple: true, ignoreStdin: true, description: 'a key' }) };
  static override flags = oclifFlags(GET_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(GET_FLAGS);
    await runGet(args, flags);
  }
}
