/** Blanks separate words; quotes and backslashes hold them together, as in a shell, which does not come into it otherwise. */
const part = /\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|([^\s\\'"]+)|(\s+)/y;

/** The words of a command line. Undefined where a quote is left open, or there is no word. */
export function splitCommand(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  const ended = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  part.lastIndex = 0;
  while (part.lastIndex < line.length) {
    const match = part.exec(line);
    if (!match) return undefined;
    const [, escaped, single, double, plain, blank] = match;
    if (blank !== undefined) ended();
    else word = (word ?? '') + (escaped ?? single ?? double?.replaceAll(/\\([$`"\\])/g, '$1') ?? plain ?? '');
  }
  ended();
  return words.length === 0 ? undefined : words;
}
