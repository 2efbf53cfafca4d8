/** Reads the same key in many clones, from what was fetched in the last minute. `node many-clones.js CLONE…` */
import { openClone } from 'git-kv/client';

const clones = await Promise.all(process.argv.slice(2).map((directory) => openClone({ directory, maxAge: 60_000 })));
try {
  const entries = await Promise.all(clones.map((clone) => clone.get('cfg:color')));
  console.log(entries.map((entry) => entry.text()).join(' '));
} finally {
  await Promise.all(clones.map((clone) => clone.close()));
}
