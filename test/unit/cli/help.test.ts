import { Command, Flags } from '@oclif/core';
import { expect } from 'chai';
import { COMMANDS } from '../../../apps/cli/commands/index.js';
import { TOPICS } from '../../../apps/cli/oclif/config.js';
import { pluginCommandHelp } from '../../../apps/cli/run/help.js';

describe('the help of the first word of several commands', () => {
  it('is there for each', () => {
    const shared = Object.keys(COMMANDS).flatMap((name) => (name.includes(':') ? [name.split(':', 1)[0] ?? ''] : []));
    const own = shared.filter((word) => !(word in COMMANDS));
    expect(Object.keys(TOPICS).sort()).to.deep.equal([...new Set(own)].sort());
  });
});

describe("the help of a plugin's command", () => {
  class Bare extends Command {
    async run(): Promise<void> {}
  }

  it('takes a class that declares nothing, which has the summary of the manifest', () => {
    expect(pluginCommandHelp('acme:greet', Bare, 'greet somebody', 80)).to.equal('greet somebody\n\nusage: git kv acme greet\n');
  });

  it("has the command's flags and those of its base class, and none that it does not take", () => {
    class Base extends Bare {
      static override baseFlags = { region: Flags.string({ summary: 'where' }) };
      static override flags = { loud: Flags.boolean({ summary: 'in capitals' }) };
    }
    const help = pluginCommandHelp('acme', Base, 'x', 80);
    expect(help).to.match(/^usage: git kv acme \[--region TEXT\] \[--loud\]$/m);
    expect(help).to.match(/--region TEXT +where\n +--loud +in capitals\n$/);
  });
});
