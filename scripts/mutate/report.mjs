/** Noticed: a test failed, or never came to its end. */
const KILLED = ['Killed', 'Timeout'];

/** Counts a report's mutants. Those that no test reaches count as not killed; constants that a module makes when it is loaded are left out. */
export function sumUp(folder, report) {
  const statuses = Object.values(report.files).flatMap(({ mutants }) => mutants.map(({ status }) => status));
  const count = (...wanted) => statuses.filter((status) => wanted.includes(status)).length;
  const sum = { folder, killed: count(...KILLED), survived: count('Survived'), uncovered: count('NoCoverage') };
  return { ...sum, mutants: sum.killed + sum.survived + sum.uncovered, ignored: count('Ignored') };
}

/** Prints each mutant that no test noticed: place in the compiled file, what became of which text, and whether any test comes by. */
export function printSurvivors(folder, report) {
  console.log(`\n## ${folder}`);
  for (const [file, { source, mutants }] of Object.entries(report.files)) {
    const lines = source.split('\n');
    const left = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
    for (const { location, replacement, status } of left.sort((a, b) => a.location.start.line - b.location.start.line)) {
      const { start, end } = location;
      const line = lines[start.line - 1] ?? '';
      const was = start.line === end.line ? line.slice(start.column - 1, end.column - 1) : `${line.slice(start.column - 1)} …`;
      const short = (text) => text.replace(/\s+/g, ' ').slice(0, 110);
      console.log(
        `${file.replace(/^dist\//, '')}:${start.line} ${status === 'NoCoverage' ? 'no test' : 'survived'}: ${short(was)} → ${short(replacement)}`,
      );
    }
  }
}

/** Prints the table of docs/TESTING.md. */
export function printTable(sums) {
  console.log('\n| Folder | Mutants | Killed | Survived | No test | % |\n|---|---:|---:|---:|---:|---:|');
  for (const { folder, mutants, killed, survived, uncovered } of sums) {
    const percent = mutants === 0 ? '' : ((100 * killed) / mutants).toFixed(1);
    console.log(`| \`${folder}\` | ${mutants} | ${killed} | ${survived} | ${uncovered} | ${percent} |`);
  }
}
