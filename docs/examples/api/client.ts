/** As much of a client as the examples need: `const ask = client(server, key); await ask('GET', '/repos')`. */
export function client(server: string, key: string) {
  return async <T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${server}/api/v1${path}`, {
      method,
      headers: { 'X-API-Key': key, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as T & { error?: string; code?: string };
    if (!response.ok) throw new Error(`${method} ${path}: ${answer.code}: ${answer.error}`);
    return answer;
  };
}

/** Who the examples commit as. */
export const AUTHOR = { name: 'Dev', email: 'dev@example.com' };

/** Makes a repository whose branch `production` is the current one, with files in it. */
export async function production(ask: ReturnType<typeof client>, id: string, files: Record<string, string>): Promise<void> {
  await ask('POST', '/repos', { id, memory_only: true });
  for (const [path, content] of Object.entries(files)) await ask('POST', `/repos/${id}/files`, { path, content });
  await ask('POST', `/repos/${id}/commits`, { message: 'As it is', author: AUTHOR });
  await ask('POST', `/repos/${id}/branches`, { name: 'production' });
  await ask('POST', `/repos/${id}/checkout`, { branch: 'production' });
}
