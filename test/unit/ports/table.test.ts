import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { BUILTIN_ADAPTERS } from '../../../plugins/host/builtin-adapters.js';
import type { AdapterEntry } from '../../../ports/plugin.js';
import { PORT_NAMES, PORTS, type PortName } from '../../../ports/tokens.js';
import { ROOT } from '../../support/root.js';

/** Ports that only Git and its programs can stand behind, and why no suite could ask another adapter for the same. */
const WITHOUT_SUITE: Readonly<Partial<Record<PortName, string>>> = {
  'admin-client': 'what it promises is which ssh runs with which arguments: git-cli/remote/admin-client.test.ts',
  'clone-config': "what it gives is what Git's configuration files say: git-cli/clone/clone-config.test.ts",
  'clone-config-writer': "what it changes is Git's configuration files: git-cli/clone/clone-config.test.ts",
};

function sources(folder: string): string {
  const path = join(ROOT, folder);
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return names.map((name) => readFileSync(join(path, name), 'utf8')).join('\n');
}

const suiteOf = (port: PortName): string => `${PORTS[port].charAt(0).toLowerCase()}${PORTS[port].slice(1)}Contract`;

describe('the table of ports', () => {
  it('names an interface that is there for every port', () => {
    const text = sources('ports');
    const missing = PORT_NAMES.filter((port) => !new RegExp(`^export interface ${PORTS[port]}\\b`, 'm').test(text));
    expect(missing).to.deep.equal([]);
  });

  it('has a suite for every port, but for those that say why not', () => {
    const suites = [...sources('test/contracts').matchAll(/^export function (\w+Contract)\(/gm)].map(([, name]) => name);
    expect(PORT_NAMES.filter((port) => !suites.includes(suiteOf(port)))).to.have.members(Object.keys(WITHOUT_SUITE));
    for (const reason of Object.values(WITHOUT_SUITE)) {
      const file = /\S+\.test\.ts$/.exec(reason)?.[0] ?? 'a test';
      expect(existsSync(join(ROOT, 'test', 'adapters', file)), file).to.equal(true);
    }
  });

  it("has every built-in adapter run its port's suite", () => {
    const text = sources('test/adapters');
    const run = ({ port, name }: { port: PortName; name: string }): boolean =>
      new RegExp(`\\b${suiteOf(port)}\\(\\s*['"\`]${name}\\b(?!-)`).test(text);
    // Under any of its names: one module is one adapter.
    const runs = (adapter: AdapterEntry): boolean =>
      BUILTIN_ADAPTERS.adapters.some(
        (one) => one.port === adapter.port && String(one.module) === String(adapter.module) && run(one),
      );
    const without = BUILTIN_ADAPTERS.adapters.filter((adapter) => WITHOUT_SUITE[adapter.port] === undefined && !runs(adapter));
    expect(without.map(({ port, name }) => `${port} ${name}`)).to.deep.equal([]);
  });
});
