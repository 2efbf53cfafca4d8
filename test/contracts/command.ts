import { expect } from 'chai';
import type { PluginManifest } from '../../ports/index.js';

/** What every plugin's commands are, and that they can be loaded. */
export function commandsContract(name: string, factory: () => Promise<PluginManifest>): void {
  describe(`commands contract: ${name}`, () => {
    it('have a name of lower-case words, and say in a line what they do', async () => {
      const { commands = {} } = await factory();
      expect(Object.keys(commands)).not.to.deep.equal([]);
      for (const [id, { summary }] of Object.entries(commands)) {
        expect(id).to.match(/^[a-z][a-z0-9-]*(?::[a-z][a-z0-9-]*)*$/);
        expect(summary, id).to.match(/^[^\n]{1,80}$/);
      }
    });

    it('are classes of oclif', async () => {
      const { commands = {} } = await factory();
      for (const [id, { module }] of Object.entries(commands)) {
        const { command } = await module();
        expect(command, id).to.be.a('function').with.property('run').that.is.a('function');
      }
    });
  });
}
