import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The product's version, from the nearest package.json that is ours. */
export function productVersion(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
      if (name === 'git-kv') return version ?? '0.0.0';
    }
    const above = dirname(folder);
    if (above === folder) return '0.0.0';
    folder = above;
  }
}
