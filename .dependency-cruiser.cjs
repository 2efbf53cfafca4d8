/**
 * Who may import whom. `scripts/boundaries.mjs` runs these rules over the sources, type imports included:
 * a contract leaks through a type as well as through a value.
 */
module.exports = {
  forbidden: [
    {
      name: 'ports-stand-alone',
      comment:
        'Ports are what everybody agrees on. Were they to import anything, an integrator who implements one would ' +
        'depend on it too.',
      severity: 'error',
      from: { path: '^ports/' },
      to: { pathNot: '^ports/' },
    },
    {
      name: 'domain-is-pure',
      comment:
        'The rules of the store must be testable without a disk, a clock or a network, and must outlive every ' +
        'library: so no package, no Node built-in, no adapter, no app.',
      severity: 'error',
      from: { path: '^domain/' },
      to: { pathNot: '^(domain|ports)/' },
    },
    {
      name: 'two-sides-share-rules-alone',
      comment:
        'A clone and a Stargate run on different machines, in different versions. What both hold true is in domain/verify, ' +
        'ledger, index and git, once.',
      severity: 'error',
      from: { path: '^domain/(client|gateway)/' },
      to: { path: '^domain/(client|gateway)/', pathNot: '^domain/$1/' },
    },
    {
      name: 'rules-take-no-side',
      comment:
        'The rules of a sound transaction are the same for whoever checks them: who pushed, and what becomes of a fault, is ' +
        'up to the side that asks.',
      severity: 'error',
      from: { path: '^domain/verify/' },
      to: { path: '^domain/(client|gateway)/' },
    },
    {
      name: 'adapters-know-ports-only',
      comment:
        'An adapter is replaced by naming another one in a profile. That works only while nothing but its port ' +
        'holds it to the rest.',
      severity: 'error',
      from: { path: '^adapters/' },
      to: { path: '^(domain|apps|plugins|bench|test)/' },
    },
    {
      name: 'adapters-ignore-each-other',
      comment:
        'Two adapters that share code can no longer be chosen one by one; what they share belongs in a port, or ' +
        'twice. But for the client of one service that several ports are adapted to, which no profile can name.',
      severity: 'error',
      from: { path: '^adapters/([^/]+)/' },
      to: { path: '^adapters/', pathNot: '^adapters/($1|etcd-gateway)/' },
    },
    {
      name: 'apps-compose-through-the-host',
      comment: 'An app that imports an adapter has chosen it for every user; the profile is where that choice belongs.',
      severity: 'error',
      from: { path: '^apps/' },
      to: { path: '^adapters/' },
    },
    {
      name: 'stargate-runs-no-programs',
      comment:
        'Git processes and the layout of a Git directory live in adapters alone, where their environment and arguments are guarded ' +
        'and a contract suite holds them. The host key is made by ssh-keygen, once, at init.',
      severity: 'error',
      from: { path: '^apps/stargate/', pathNot: '^apps/stargate/host-key/make-keys\\.js$' },
      to: { path: '^(node:)?child_process$' },
    },
    {
      name: 'apps-ignore-each-other',
      comment:
        'The command line and the Stargate are installed on different machines; what both need is domain or port. ' +
        'Files directly under apps/ are for both, apps/http/ is what servers have in common, and apps/sdk/ what works in a clone.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/[^/]+/', pathNot: '^apps/($1|http|sdk)/' },
    },
    {
      name: 'sdk-is-for-clones',
      comment:
        'A server has a repository and no clone; what it needs of a clone it gets from the domain. An API that serves the ledgers of ' +
        'another machine has one, as every client of a Stargate.',
      severity: 'error',
      from: { path: '^apps/', pathNot: '^apps/(cli|sdk|api/ledger)/' },
      to: { path: '^apps/sdk/' },
    },
    {
      name: 'http-is-for-servers',
      comment:
        'An app that answers over HTTP mounts itself on apps/http/. The command line answers nobody, and its start would ' +
        'pay for the library.',
      severity: 'error',
      from: { path: '^apps/', pathNot: '^apps/(http|stargate|api)/' },
      to: { path: '^apps/http/' },
    },
    {
      name: 'host-knows-no-app',
      comment:
        'The host composes what a profile names, for any app; only its generated registry names the built-in ' +
        'adapters.',
      severity: 'error',
      from: { path: '^plugins/host/', pathNot: '^plugins/host/builtin-adapters\\.js$' },
      to: { path: '^(adapters|apps|domain|bench|test)/' },
    },
    {
      name: 'host-registry-is-lazy',
      comment:
        'The registry names every adapter. An import that is not dynamic would load them all at each start of `git ' +
        'kv`.',
      severity: 'error',
      from: { path: '^plugins/host/builtin-adapters\\.js$' },
      to: { path: '^adapters/', dynamic: false },
    },
    {
      name: 'examples-are-outsiders',
      comment: 'An integrator copies an example; it may use only what an integrator has: the ports and packages.',
      severity: 'error',
      from: { path: '^plugins/(example-[^/]+)/' },
      to: { path: '^(domain|adapters|apps|plugins|bench|test)/', pathNot: '^plugins/$1/' },
    },
    {
      name: 'product-without-tests',
      comment: 'Tests and benchmarks are not shipped, so what is shipped would not load without them.',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'contracts-stand-alone',
      comment:
        'The suites ship as git-kv/testing: the author of an adapter has the ports, chai and Node, and nothing of this ' +
        "project's tests.",
      severity: 'error',
      from: { path: '^test/contracts/' },
      to: { pathNot: '^(test/contracts|ports)/|/node_modules/chai/|^node_modules/chai/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'no-development-packages',
      comment:
        'What is installed at a user is bundled with the packages it imports (scripts/bundle.mjs), which are therefore ' +
        'devDependencies. The tools of tests and builds belong in no bundle.',
      severity: 'error',
      from: { path: '^(ports|domain|adapters|plugins|apps)/' },
      to: { path: '(^|/)node_modules/(chai|dependency-cruiser|esbuild|fast-check|mime-db|mocha|typescript)/' },
    },
    {
      name: 'no-cycles',
      comment:
        'Modules that import each other in a circle load in an order that nobody chose, and can only be understood ' +
        'at once.',
      severity: 'error',
      from: { path: '^(ports|domain|adapters|plugins|apps)/' },
      to: { circular: true },
    },
    {
      name: 'nothing-missing',
      comment: 'An import that leads nowhere fails only when it is run, and a rule above cannot judge it.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'node_modules/.*/node_modules' },
    moduleSystems: ['es6', 'cjs'],
    preserveSymlinks: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      mainFields: ['module', 'main'],
    },
  },
};
