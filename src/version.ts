import { readFileSync } from 'node:fs';

/** The version of the package that this file belongs to, in source and in the release alike. */
export const version = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string }
).version;
