#!/usr/bin/env node
import { whyTooOld } from './node-version.ts';

/** What npm installs as the command. It imports the rest only where that can be loaded: an old Node.js fails inside it. */
const why = whyTooOld(process.version);
if (why === undefined) {
  await import('./main.ts');
} else {
  process.stderr.write(`virtual-kubelet: ${why}\n`);
  process.exitCode = 1;
}
