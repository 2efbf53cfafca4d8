/** `git-kv/command`: what a plugin's command is made of, the same oclif that runs it. */
export { Args, Command, Flags, ux } from '@oclif/core';
