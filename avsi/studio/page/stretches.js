// Stretches of time: [start, end] in seconds.

const NEAR_S = 0.002; // times that are the same but for rounding

/** What gaps, some of which may overlap, cover: disjoint stretches, in order. */
export function covered(gaps) {
  const joined = [];
  for (const [start, end] of [...gaps].sort(([one], [other]) => one - other)) {
    const last = joined.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

/** Whether two lists of gaps cover the same. */
export function coverTheSame(some, others) {
  const [ones, those] = [covered(some), covered(others)];
  return ones.length === those.length && ones.every((one, index) => one.every((time, end) => Math.abs(time - those[index][end]) < NEAR_S));
}

export const length = (stretches) => stretches.reduce((sum, [start, end]) => sum + end - start, 0);

/** The gaps of a project that are to be restored, as stretches. */
export const toRestore = (gaps) => gaps.filter((gap) => gap.repair).map((gap) => [gap.start_s, gap.end_s]);
