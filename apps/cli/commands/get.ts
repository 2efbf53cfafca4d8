import { Args } from '@oclif/core';
import { KvCommand } from '../oclif/base.js';
import { GET_FLAGS } from '../parse/flags.js';
import { runGet } from '../fast/get.js';
import { oclifFlags } from '../oclif/flags.js';
import { prose } from '../render/prose.js';

/** `git kv get` in any form that `fast/get` does not take. */
export class Get extends KvCommand {
  static override summary = 'print the value of a key';
  static override description = prose(`Fetches the namespace from the mirror (or where --read-from says), then
prints exactly the value's bytes. On a terminal, a newline is added and a binary value refused, unless
--raw is given. With --json, prints the
value (value, or value_b64 when it is not UTF-8) with its metadata, its blob (oid, what --expect-blob takes), and the
ledger's commit and tree (what --expect-tree takes).

With --at, gives what the key was then, in whichever epoch; whether it had expired is judged by that time too. A time is
held against the Stargate's receipt times, where a watchlog has them, else against the writers' clocks.

To fetch only when the last fetch is older than that: git config kv.maxAge 30s`);
  static override examples = [
    '<%= config.bin %> get cfg:mode',
    '<%= config.bin %> get user:42:avatar --output avatar.png',
    '<%= config.bin %> get cfg:mode --json --read-from=stargate',
    '<%= config.bin %> get cfg:mode --at 2027-01-31T12:00:00Z',
    '<%= config.bin %> get -- -a-key-with-a-dash',
  ];
  static override args = { key: Args.string({ required: true, ignoreStdin: true, description: 'the key' }) };
  static override flags = oclifFlags(GET_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(GET_FLAGS);
    await runGet(args[0] ?? '', flags);
  }
}
