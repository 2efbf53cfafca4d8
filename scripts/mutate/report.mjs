/** Counts a folder's mutants. Those that no test reaches count as not killed; constants that a module makes when it is loaded are left out. */
export function sumUp(folder, mutants) {
  const count = (wanted) => mutants.filter(({ status }) => status === wanted).length;
  const sum = { folder, killed: count('killed'), survived: count('survived'), uncovered: count('no test') };
  return { ...sum, mutants: sum.killed + sum.survived + sum.uncovered };
}

/** Prints each mutant that no test noticed: place in the compiled file, what became of which text, and whether any test comes by. */
export function printSurvivors(folder, mutants) {
  console.log(`\n## ${folder}`);
  const short = (text) => text.replace(/\s+/g, ' ').slice(0, 110);
  for (const { file, line, column, was, becomes, status } of mutants)
    if (status === 'survived' || status === 'no test')
      console.log(`${file.replace(/^dist\//, '')}:${line}:${column} ${status}: ${short(was)} → ${short(becomes)}`);
}

/** Prints the table of docs/TESTING.md. */
export function printTable(sums) {
  console.log('\n| Folder | Mutants | Killed | Survived | No test | % |\n|---|---:|---:|---:|---:|---:|');
  for (const { folder, mutants, killed, survived, uncovered } of sums) {
    const percent = mutants === 0 ? '' : ((100 * killed) / mutants).toFixed(1);
    console.log(`| \`${folder}\` | ${mutants} | ${killed} | ${survived} | ${uncovered} | ${percent} |`);
  }
}
