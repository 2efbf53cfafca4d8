import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { getMetadataStorage } from 'class-validator';
import { parsePolicy } from '../../../adapters/policy-yaml/open.js';
import {
  ChunkingBlock,
  ForbiddenItem,
  NamespaceBlock,
  PolicyFile,
  RetentionBlock,
  StargateBlock,
  VerifyBlock,
} from '../../../adapters/policy-yaml/schema.js';
import { ERROR_CODES } from '../../../ports/error.js';
import { ROOT } from '../../support/root.js';

interface Row {
  /** `namespaces.main.verify.mode`. */
  readonly path: string;
  readonly usual: string;
  readonly errors: readonly string[];
}

/** Where the keys of a part of the page stand in a policy. */
const PLACES: Readonly<Record<string, string>> = {
  'The whole file': '',
  stargate: 'stargate.',
  'namespaces.<name>': 'namespaces.main.',
  chunking: 'namespaces.main.chunking.',
  'forbidden[]': 'namespaces.main.forbidden[].',
  retention: 'namespaces.main.retention.',
  verify: 'namespaces.main.verify.',
};

function rows(): Row[] {
  const parts = readFileSync(join(ROOT, 'docs', 'POLICY.md'), 'utf8')
    .split(/^#{2,3} /m)
    .slice(1);
  return parts.flatMap((part) => {
    const title = (part.split('\n')[0] ?? '').replaceAll('`', '');
    return [...part.matchAll(/^\| `([a-z_]+)` \| (.*?) \| .* \| (.*?) ?\|$/gm)].map(([, key = '', usual = '', errors = '']) => ({
      path: `${PLACES[title]}${key}`,
      usual: usual.replaceAll('`', ''),
      errors: [...errors.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code ?? ''),
    }));
  });
}

/** Every key that the reader knows, by the classes that it checks with: a nested class's by what nests it. */
function known(type: new () => object, at: string): string[] {
  const found = getMetadataStorage().getTargetValidationMetadatas(type, '', true, false);
  const names = [...new Set(found.map(({ propertyName }) => propertyName))];
  return names.flatMap((name) => [`${at}${name}`, ...(NESTED[`${at}${name}`]?.() ?? [])]);
}

const below = (type: new () => object, at: string) => (): string[] => known(type, at);
const NESTED: Readonly<Record<string, () => string[]>> = {
  stargate: below(StargateBlock, 'stargate.'),
  namespaces: below(NamespaceBlock, 'namespaces.main.'),
  'namespaces.main.chunking': below(ChunkingBlock, 'namespaces.main.chunking.'),
  'namespaces.main.forbidden': below(ForbiddenItem, 'namespaces.main.forbidden[].'),
  'namespaces.main.retention': below(RetentionBlock, 'namespaces.main.retention.'),
  'namespaces.main.verify': below(VerifyBlock, 'namespaces.main.verify.'),
};

const BASE = 'version: 1\nnamespaces: { main: {} }\n';

/** A policy that says one thing, at its place. */
function saying(path: string, value: string): string {
  const [first = '', ...rest] = path.split('.');
  const nested = rest.reduceRight(
    (inner, name) => {
      const list = name.endsWith('[]');
      return `{ ${list ? name.slice(0, -2) : name}: ${list ? `[${inner}]` : inner} }`;
    },
    path === 'namespaces.main.chunking.size' ? `${value}, mode: fixed` : value,
  );
  return `version: 1\n${first}: ${nested}\n${first === 'namespaces' ? '' : 'namespaces: { main: {} }\n'}`;
}

describe('docs/POLICY.md', () => {
  it('has every key that the reader of policies knows, and no other', () => {
    expect(rows().map(({ path }) => path)).to.have.members(known(PolicyFile, ''));
  });

  it('gives the default of each: to write it changes nothing', () => {
    const usual = parsePolicy(BASE, 'policy.yaml');
    for (const { path, usual: text } of rows()) {
      if (text === '–') continue;
      if (path === 'namespaces.main.chunking.size') {
        const fixed = saying('namespaces.main.chunking', '{ mode: fixed }');
        const chunkings = [fixed, saying(path, text)].map(
          (one) => parsePolicy(one, 'policy.yaml').namespaces.get('main')?.chunking,
        );
        expect(chunkings[0], path).to.deep.equal(chunkings[1]);
        continue;
      }
      const written = path.startsWith('namespaces.main.chunking.') && !path.endsWith('.mode') ? `${text}, mode: fastcdc` : text;
      expect(parsePolicy(saying(path, written), 'policy.yaml'), `${path}: ${text}`).to.deep.equal(usual);
    }
  });

  it('says nothing of what has a default that it does not give, and names errors that there are', () => {
    const without = rows().filter(({ usual }) => usual === '–');
    expect(without.map(({ path }) => path)).to.include.members(['stargate.push_url', 'namespaces.main.retention.keep_epochs']);
    for (const { path, errors } of rows()) for (const code of errors) expect(ERROR_CODES, path).to.include(code);
  });
});
