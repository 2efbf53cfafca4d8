// `npm run with-sqlite`: brings better-sqlite3, which the journal 'journal-sqlite' needs. See compiled-package.mjs.
import { bring } from './compiled-package.mjs';

bring('better-sqlite3', {
  tried: "new it(':memory:').close()",
  builtFrom: ['deps', 'src'],
  runsWith: ['bindings', 'file-uri-to-path'],
  takes: 'build-essential and python3',
  as: 'journal: journal-sqlite',
});
