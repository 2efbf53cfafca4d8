// `npm run with-nodegit`: brings nodegit, which the git-store of that name needs. See compiled-package.mjs.
import { bring } from './compiled-package.mjs';

bring('nodegit', {
  builtFrom: ['vendor', 'src', 'include'],
  runsWith: ['fs-extra', 'graceful-fs', 'jsonfile', 'lodash', 'universalify'],
  takes: 'build-essential, python3, libssl-dev and libkrb5-dev',
  as: 'git-store',
});
