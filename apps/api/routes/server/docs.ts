import { Type } from 'typebox';
import type { ApiApp } from '../../requests/context.js';

/** Nothing on the page runs, and nothing comes from elsewhere. */
const POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
h2{margin-top:2rem;text-transform:capitalize}details{border-bottom:1px solid #ddd;padding:.4rem 0}
summary{cursor:pointer}code,pre{font:13px/1.4 ui-monospace,monospace}pre{background:#f5f5f5;padding:.6rem;overflow:auto}
.m{display:inline-block;width:4.5rem;font-weight:600}`;

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: unknown;
  readonly requestBody?: unknown;
  readonly responses?: Readonly<Record<string, unknown>>;
}

/** The API's description, for programs and for people. */
export function docsRoutes(app: ApiApp): void {
  const schema = (summary: string) => ({ summary, tags: ['system'], security: [], response: { 200: Type.Unknown() } });
  app.get(
    '/api/v1/openapi.json',
    { config: { access: 'anyone' }, schema: schema('This API as OpenAPI 3.1') },
    async (_request, reply) => reply.type('application/json').send(JSON.stringify(app.swagger())),
  );
  let page: string | null = null; // routes don't change once there are requests
  const headed = { 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'no-referrer', 'X-Frame-Options': 'DENY' };
  // Who opens the server's address in a browser sees what there is, too.
  for (const path of ['/docs', '/'])
    app.get(path, { config: { access: 'anyone' }, schema: schema('This API as a page') }, async (_request, reply) => {
      page ??= pageOf(app.swagger().paths as Readonly<Record<string, Readonly<Record<string, Operation>>>>);
      return reply.headers(headed).type('text/html; charset=utf-8').send(Buffer.from(page));
    });
  app.get('/docs/style.css', { config: { access: 'anyone' }, schema: schema('The look of the page') }, async (_request, reply) =>
    reply.headers(headed).type('text/css').send(Buffer.from(STYLE)),
  );
}

function pageOf(paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>): string {
  const groups = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const { summary = '', tags: [tag = 'other'] = [], parameters, requestBody, responses = {} } = operation;
      const [good] = Object.entries(responses);
      const parts: readonly (readonly [string, unknown])[] = [
        ['Parameters', parameters],
        ['Body', requestBody],
        [`Answer ${good?.[0] ?? ''}`, good?.[1]],
      ];
      const shown = parts
        .filter(([, part]) => part !== undefined)
        .map(([name, part]) => `<h4>${escaped(name)}</h4><pre>${escaped(JSON.stringify(part, null, 1))}</pre>`);
      const head = `<summary><span class="m">${escaped(method.toUpperCase())}</span><code>${escaped(path)}</code> ${escaped(summary)}</summary>`;
      groups.set(tag, [...(groups.get(tag) ?? []), `<details>${head}${shown.join('')}</details>`]);
    }
  }
  const body = [...groups].map(([tag, all]) => `<h2>${escaped(tag)}</h2>${all.join('')}`).join('');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>git-kv-api</title><link rel="stylesheet" href="/docs/style.css"><h1>git-kv-api</h1><p>The same for programs: <a href="/api/v1/openapi.json">openapi.json</a></p>${body}</html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
