import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { COMMANDS } from '../../apps/cli/commands/index.js';
import { exitCodeRows } from '../../apps/cli/render/exit-codes.js';
import { ERROR_CODES } from '../../ports/error.js';

const COMPILED = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SOURCES = process.env['GIT_KV_ROOT'] ?? dirname(COMPILED);

describe('git kv: the reference', () => {
  it('docs/CLI.md and the man page are what the commands say', async () => {
    await promisify(execFile)(process.execPath, [join(SOURCES, 'scripts', 'generate-cli-docs.mjs'), '--check', COMPILED]);
  });

  for (const [id, command] of Object.entries(COMMANDS)) {
    it(`${id.replaceAll(':', ' ')} has a summary, a description and examples`, () => {
      expect(command.summary).to.match(/^[a-z][^\n]{5,70}[^.\n]$/);
      expect(command.description ?? '').to.have.length.greaterThan(20);
      expect(command.examples).to.not.equal(undefined);
      expect(command.examples.length).to.be.greaterThan(0);
      for (const [name, flag] of Object.entries(command.flags)) expect(flag.summary, name).to.match(/\S/);
    });
  }

  it('every error code has its exit code and a meaning', () => {
    const rows = exitCodeRows();
    expect(rows.flatMap(({ codes }) => codes)).to.have.members([...ERROR_CODES]);
    for (const { exit, meaning } of rows) expect(meaning, String(exit)).to.match(/\S/);
  });
});
