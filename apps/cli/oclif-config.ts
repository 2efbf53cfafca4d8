/** What oclif would find in package.json; kept here, since the bundle names its own files. */
export function oclifConfig(): object {
  return {
    bin: 'git kv',
    dirname: 'git-kv',
    topicSeparator: ' ',
    additionalHelpFlags: ['-h'],
    commands: { strategy: 'explicit', target: './dist/bin/commands.js', identifier: 'COMMANDS' },
    topics: {
      cas: { description: 'Write only when nothing has changed since it was read' },
      epoch: { description: 'Begin a new epoch, so that clones stay small' },
      help: { description: 'Explain commands and exit codes' },
      remote: { description: "Connect this clone's remote with a Stargate" },
      stargate: { description: 'Ask the Stargate itself' },
    },
  };
}
