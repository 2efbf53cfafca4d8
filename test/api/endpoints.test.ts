import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { API_SETTINGS } from '../../apps/api/settings.js';
import { ROOT } from '../support/root.js';
import { testApi } from './support.js';

/** The specification's tables, as they stand there. */
const TABLES = `
| /api/v1/repos | GET |
| /api/v1/repos | POST |
| /api/v1/repos/{id} | GET |
| /api/v1/repos/{id} | DELETE |
| /api/v1/repos/{id}/files | POST |
| /api/v1/repos/{id}/files/{path} | GET |
| /api/v1/repos/{id}/commits | POST |
| /api/v1/repos/{id}/commits | GET |
| /api/v1/repos/{id}/branches | GET |
| /api/v1/repos/{id}/branches | POST |
| /api/v1/repos/{id}/containers/definitions | GET |
| /api/v1/repos/{id}/containers/definitions | POST |
| /api/v1/repos/{id}/containers/definitions/*path | GET |
| /api/v1/repos/{id}/containers/definitions/*path | PUT |
| /api/v1/repos/{id}/containers/definitions/*path | DELETE |
| /api/v1/repos/{id}/containers/build | POST |
| /api/v1/repos/{id}/containers/builds | GET |
| /api/v1/repos/{id}/containers/builds/{build_id} | GET |
| /api/v1/auth/login | POST |
| /api/v1/auth/refresh | POST |
| /api/v1/auth/apikeys | GET |
| /api/v1/auth/apikeys | POST |
| /health | GET |
| /health/live | GET |
| /health/ready | GET |
| /metrics | GET |
`;

/** What is promised beyond them. */
const BEYOND = `
| /api/v1/repos/{id}/transaction | POST |
| /api/v1/repos/{id}/transaction/{tx}/add | POST |
| /api/v1/repos/{id}/transaction/{tx}/remove | POST |
| /api/v1/repos/{id}/transaction/{tx}/validate | POST |
| /api/v1/repos/{id}/transaction/{tx}/commit | POST |
| /api/v1/repos/{id}/transaction/{tx}/rollback | POST |
| /api/v1/repos/{id}/parallel-realities | GET |
| /api/v1/repos/{id}/parallel-realities | POST |
| /api/v1/repos/{id}/parallel-realities/{name}/apply | POST |
| /api/v1/repos/{id}/parallel-realities/{name}/validate | POST |
| /api/v1/repos/{id}/parallel-realities/{name}/benchmark | POST |
| /api/v1/repos/{id}/parallel-realities/{name}/promote | POST |
| /api/v1/repos/{id}/merge | POST |
| /api/v1/repos/{id}/checkout | POST |
| /api/v1/repos/{id}/status | GET |
| /api/v1/repos/{id}/log | GET |
| /api/v1/repos/{id}/show/{commit} | GET |
| /api/v1/repos/{id}/diff | GET |
| /api/v1/repos/{id}/blame/*path | GET |
| /api/v1/repos/{id}/tree/*path | GET |
| /api/v1/repos/{id}/tags | GET |
| /api/v1/repos/{id}/tags | POST |
| /api/v1/repos/{id}/revert | POST |
| /api/v1/repos/{id}/cherry-pick | POST |
| /api/v1/repos/{id}/reset | POST |
| /api/v1/repos/{id}/search/commits | GET |
| /api/v1/repos/{id}/search/content | GET |
| /api/v1/repos/{id}/search/files | GET |
| /api/v1/repos/{id}/time-travel/{time} | GET |
| /api/v1/repos/{id}/time-travel/{time}/read/*path | GET |
| /api/v1/repos/{id}/hooks | GET |
| /api/v1/repos/{id}/hooks | PUT |
| /api/v1/repos/{id}/validators | GET |
| /api/v1/repos/{id}/validators | PUT |
| /api/v1/repos/{id}/webhooks | GET |
| /api/v1/repos/{id}/webhooks | POST |
| /api/v1/repos/{id}/webhooks/{hook} | GET |
| /api/v1/repos/{id}/webhooks/{hook} | PUT |
| /api/v1/repos/{id}/webhooks/{hook} | DELETE |
| /api/v1/repos/{id}/webhooks/{hook}/deliveries | GET |
| /api/v1/repos/{id}/webhooks/{hook}/deliveries/{delivery} | GET |
| /api/v1/repos/{id}/webhooks/{hook}/deliveries/{delivery}/redeliver | POST |
| /api/v1/repos/{id}/events | GET |
| /api/v1/repos/{id}/watch | GET |
| /api/v1/pool/stats | GET |
| /api/v1/pool/cleanup | POST |
| /api/v1/users | GET |
| /api/v1/users | POST |
| /api/v1/users/{user} | GET |
| /api/v1/users/{user} | PUT |
| /api/v1/users/{user} | DELETE |
| /api/v1/roles | GET |
| /api/v1/roles | POST |
| /api/v1/auth/whoami | GET |
| /api/v1/auth/apikeys/{id} | DELETE |
| /version | GET |
| /docs | GET |
| /api/v1/openapi.json | GET |
`;

/** A path without the names of its parts. */
const bare = (path: string): string => path.replace(/\*\w+|\{\w+\}/g, '{}');

/** The specification, where it lies beside the repository. */
const SPECIFICATION = join(ROOT, '..', 'shared', 'spec', 'govc-readme.md');

describe('api: the endpoints', () => {
  it('are those of the specification, whose quick start is ours word for word', function () {
    if (!existsSync(SPECIFICATION)) return this.skip();
    const text = readFileSync(SPECIFICATION, 'utf8');
    const rows = [...text.matchAll(/^\| `(\/\S+)` \| (\w+) \|/gm)].map(([, path, method]) => `| ${path} | ${method} |`);
    expect(TABLES.trim().split('\n')).to.deep.equal(rows);
    const ours = readFileSync(join(ROOT, 'docs', 'API.md'), 'utf8');
    const blocks = [...text.matchAll(/```bash\n([\s\S]*?)```/g)]
      .map(([, block = '']) => block)
      .filter((block) => block.includes('/api/v1/'));
    expect(blocks).to.have.length(3);
    // The default password, which there is not.
    for (const command of blocks.flatMap((block) => block.replace('admin123', '<password>').split('\n\n')))
      expect(ours).to.include(command.trim());
    return undefined;
  });

  it('have every setting in their reference', () => {
    const text = readFileSync(join(ROOT, 'docs', 'API.md'), 'utf8');
    const settings = /## Settings\n([\s\S]*?)\n## /.exec(text)?.[1] ?? '';
    const missing = Object.values(API_SETTINGS).flatMap(({ variable }) =>
      settings.includes(`\`${variable}\``) ? [] : [variable],
    );
    expect(missing).to.deep.equal([]);
  });

  it('are all there, with a schema for what they take and give', async () => {
    const t = await testApi();
    try {
      const { body } = await t.ask('GET', '/api/v1/openapi.json');
      const described = new Map<string, { requestBody?: object; responses: Record<string, { content?: object }> }>();
      for (const [path, methods] of Object.entries<Record<string, never>>(body.paths))
        for (const [method, operation] of Object.entries(methods))
          described.set(`${method.toUpperCase()} ${bare(path)}`, operation);
      const rows = [...(TABLES + BEYOND).matchAll(/^\| (\S+) \| (\w+) \|$/gm)].map(
        ([, path = '', method = '']) => [method, path] as const,
      );
      expect(rows.length).to.equal(84);
      const missing = rows.filter(([method, path]) => !described.has(`${method} ${bare(path)}`));
      expect(missing.map(([method, path]) => `${method} ${path}`)).to.deep.equal([]);
      for (const [route, { requestBody, responses }] of described) {
        if (/ \/git\//.test(route)) continue; // git's own protocol
        const [good] = Object.entries(responses);
        expect(good?.[1].content, `${route} says what it answers`).to.be.an('object');
        const takesNone = /\/(rollback|logout|cleanup|ping|redeliver|cancel|activate|deactivate)$/.test(route);
        const isGits = / \/git\//.test(route); // bytes of Git's own protocol
        if (/^(POST|PUT) /.test(route) && !takesNone && !isGits)
          expect(requestBody, `${route} says what it takes`).to.be.an('object');
      }
    } finally {
      await t.close();
    }
  });
});
