import { expect } from 'chai';
import type { CommandFile, CommandLimits, CommandRequest, CommandRunner } from '../../ports/index.js';
import { thrownBy } from './mirror-target.js';

const MiB = 1024 * 1024;
const LIMITS: CommandLimits = {
  ...{ time: 20_000, memory: 256 * MiB, fileSize: MiB, openFiles: 64, processes: 64, output: 10_000 },
};
const file = (path: string, content: string, mode = '100644'): CommandFile => ({ path, mode, content: Buffer.from(content) });
/** Escape, which begins a sequence that steers a terminal. */
const ESCAPE = String.fromCharCode(27);

/** Runs a line of `sh` on files. */
const sh = (line: string, files: readonly CommandFile[] = [], more: Partial<CommandRequest> = {}): CommandRequest => ({
  ...{ argv: ['sh', '-c', line], files, limits: LIMITS, ...more },
});

/** What every command runner does. `hidden` is a file that it was told to hide, `workFolders` what is left where commands work. */
export function commandRunnerContract(
  name: string,
  factory: () => Promise<{ readonly runner: CommandRunner; readonly hidden: string; readonly workFolders: () => string[] }>,
): void {
  describe(`command-runner contract: ${name}`, function () {
    this.timeout(60_000);
    let runner: CommandRunner;
    let hidden: string;
    let workFolders: () => string[];
    before(async () => {
      ({ runner, hidden, workFolders } = await factory());
    });
    after(() => runner.close());

    it('runs a program on files in a folder of its own, which is gone afterwards', async () => {
      const files = [
        file('a/b.txt', 'hello\n'),
        file('run', '#!/bin/sh\necho ran\n', '100755'),
        file('link', 'a/b.txt', '120000'),
      ];
      const result = await runner.run(sh('cat a/b.txt; cat link; ./run; echo more >&2; echo new > c; cat c; exit 3', files));
      expect(result).to.include({ exitCode: 3, timedOut: false, truncated: false });
      for (const said of ['hello\nhello\nran\n', 'more\n', 'new\n']) expect(result.output).to.include(said);
      expect(result.duration).to.be.greaterThan(0);
      expect(workFolders()).to.deep.equal([]);
    });

    it('gives it no environment, no input, and arguments as they are', async () => {
      const { output } = await runner.run(sh('env; cat'));
      const names = [...output.matchAll(/^(\w+)=/gm)].map(([, variable]) => variable);
      expect(names).to.include.members(['PATH', 'HOME']);
      expect(names.filter((each) => !/^(PATH|HOME|TMPDIR|LANG|PWD|OLDPWD|SHLVL|_)$/.test(each ?? ''))).to.deep.equal([]);
      const odd = await runner.run({ argv: ['printf', '%s|', '$HOME', '; id', '--', ''], files: [], limits: LIMITS });
      expect(odd.output).to.equal('$HOME|; id|--||');
    });

    it('ends what takes too long, with all that it has started', async () => {
      const limits = { ...LIMITS, time: 300 };
      const result = await runner.run(sh('sleep 30 & (setsid sleep 30 &) ; echo begun; while :; do :; done', [], { limits }));
      expect(result).to.include({ timedOut: true, output: 'begun\n' });
      expect(result.exitCode).to.be.greaterThan(128);
      expect(result.duration).to.be.lessThan(10_000);
    });

    it('waits for nothing that a command has left behind', async () => {
      const { exitCode, duration } = await runner.run(sh('sleep 30 & sleep 31 & exit 0'));
      expect(exitCode).to.equal(0);
      expect(duration).to.be.lessThan(10_000);
    });

    it('keeps a bounded part of what is said, and nothing that steers a terminal', async () => {
      const limits = { ...LIMITS, output: 100 };
      const long = await runner.run(sh('head -c 5000000 /dev/zero | tr "\\0" x; echo done', [], { limits }));
      expect(long).to.include({ exitCode: 0, truncated: true, output: 'x'.repeat(100) });
      const { output } = await runner.run(sh("printf 'a\\033[31mb\\tc\\n\\303\\244'"));
      expect(output).to.include('b\tc\nä').and.not.include(ESCAPE);
    });

    it('lays nothing down outside of the folder, nor over anything', async () => {
      for (const files of [
        [file('../x', '')],
        [file('/x', '')],
        [file('a/../../x', '')],
        [file('', '')],
        [file('a', '/tmp', '120000'), file('a/x', 'through')],
      ])
        expect(['INPUT_INVALID', 'IO_ERROR'], files[0]?.path).to.include((await thrownBy(runner.run(sh('true', files)))).code);
      expect(workFolders()).to.deep.equal([]);
    });

    it('says that a program is not there', async () => {
      for (const program of ['no-such-program', '/no/such/program'])
        expect((await thrownBy(runner.run({ argv: [program], files: [], limits: LIMITS }))).code).to.equal('CONFIG_INVALID');
    });

    it('ends a command when its signal fires', async () => {
      const stop = new AbortController();
      const running = runner.run(sh('sleep 300', [], { signal: stop.signal }));
      setTimeout(() => stop.abort(), 50);
      expect((await thrownBy(running)).code).to.equal('INTERRUPTED');
      expect(workFolders()).to.deep.equal([]);
    });

    it('keeps from it what it says that it does', async () => {
      const { isolation } = runner;
      if (isolation.network) {
        const { output } = await runner.run(sh('tail -n +3 /proc/net/dev | grep -v lo: | wc -l'));
        expect(output.trim()).to.equal('0');
      }
      if (isolation.user) {
        const { output } = await runner.run(sh('grep -E "^Cap(Eff|Bnd)" /proc/self/status; grep NoNewPrivs /proc/self/status'));
        expect(output.match(/Cap\w+:\t0+\n/g)).to.have.length(2);
        expect(output).to.include('NoNewPrivs:\t1');
      }
      if (isolation.processes) {
        const { output } = await runner.run(sh('ls -d /proc/[0-9]* | wc -l'));
        expect(Number(output)).to.be.lessThan(8);
      }
      if (isolation.folders) {
        const { exitCode, output } = await runner.run(sh(`cat ${hidden}`));
        expect([exitCode, output.includes('secret')]).to.deep.equal([1, false]);
      }
      if (isolation.limits) {
        const big = await runner.run(sh('head -c 3000000 /dev/zero > big; wc -c < big'));
        expect(Number(/(\d+)\s*$/.exec(big.output)?.[1])).to.be.at.most(LIMITS.fileSize);
        const bomb = await runner.run(
          sh('for i in $(seq 200); do sleep 300 & done; wait', [], { limits: { ...LIMITS, processes: 20, time: 2000 } }),
        );
        expect(bomb.output.toLowerCase()).to.match(/fork|resource/);
        const fat = await runner.run(sh('dd if=/dev/zero of=/dev/null bs=400M count=1'));
        expect(fat.exitCode).to.not.equal(0);
      }
    });
  });
}
