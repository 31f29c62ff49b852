/**
 * Why we stop a task, in the words that ECS keeps with it. They are read again after a restart of ours, so that nothing
 * else has to remember.
 */
const own = 'virtual-kubelet: ';
const restart = `${own}restart: `;
/** ECS's limit. */
const reasonLength = 255;

/** The next attempt follows, whatever the exit codes, unless the pod is never restarted. */
export function restartReason(why: string): string {
  return `${restart}${why}`.slice(0, reasonLength);
}

export function endReason(why: string): string {
  return `${own}${why}`.slice(0, reasonLength);
}

export function isRestart(stoppedReason: string): boolean {
  return stoppedReason.startsWith(restart);
}
