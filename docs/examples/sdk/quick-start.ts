/** Sets a key, reads it back, and changes two keys at once. `node quick-start.js CLONE` */
import { openClone } from 'git-kv/client';

await using clone = await openClone({ directory: process.argv[2] ?? '.', readFrom: 'stargate' });

const { commit } = await clone.set('cfg:color', 'blue', { message: 'blue is the new black' });
console.log(`committed ${commit?.slice(0, 10)}`);
console.log(`cfg:color is ${(await clone.get('cfg:color')).text()}`);

const { tree } = await clone.transact([
  { op: 'set', key: 'cfg:limits', value: JSON.stringify({ users: 100 }), ctype: 'application/json' },
  { op: 'set', key: 'cfg:color', value: 'green' },
]);
console.log((await clone.get('cfg:limits')).json(), tree !== null);
for await (const { key, detail } of clone.list({ prefix: 'cfg:', detail: true })) console.log(key, detail?.size);
