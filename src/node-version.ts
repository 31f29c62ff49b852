/** As `engines` of package.json has it. */
export const oldestNodeMajor = 24;

/** Why this Node.js (`v20.1.0`) cannot run us; undefined where it can. */
export function whyTooOld(version: string): string | undefined {
  const major = Number(/^v(\d+)\./.exec(version)?.[1]);
  return major >= oldestNodeMajor ? undefined : `needs Node.js ${oldestNodeMajor} or later, this is ${version}`;
}
