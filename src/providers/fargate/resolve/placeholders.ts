/**
 * Characters of a private area, which no environment has: a text between them stands for a value that is not to be
 * seen yet. One that a user writes by hand stands for nothing and stays as it is.
 */
const opening = '\u{e000}';
const closing = '\u{e001}';
const syntax = /\u{e000}[^\u{e001}]*\u{e001}/gu;

/** What a placeholder stands for. */
export type Hidden =
  /** A secret's value, and by which object and version of it. */
  | { readonly kind: 'secret'; readonly value: string; readonly version: string }
  /** What only this pod has: its name, labels, … */
  | { readonly kind: 'pod'; readonly value: string };

/**
 * Texts that stand for values while a pod's environment is put together by Kubernetes' rules: what the placeholders
 * have got into by `$(NAME)` is thereby known to hold a secret, or to differ from the next replica.
 */
export class Placeholders {
  readonly #hidden = new Map<string, Hidden>();

  /** The placeholder for a value; the same name gives the same one, in each process. */
  hide(name: string, hidden: Hidden): string {
    const placeholder = `${opening}${hidden.kind}:${name}${closing}`;
    this.#hidden.set(placeholder, hidden);
    return placeholder;
  }

  /** Everything that has got into the text. */
  in(text: string): Hidden[] {
    return [...text.matchAll(syntax)].flatMap(([placeholder]) => this.#hidden.get(placeholder) ?? []);
  }

  holds(kind: Hidden['kind'], text: string): boolean {
    return this.in(text).some((hidden) => hidden.kind === kind);
  }

  /** The text with the values of these kinds in place of their placeholders. */
  fill(text: string, kinds: readonly Hidden['kind'][]): string {
    return text.replaceAll(syntax, (placeholder) => {
      const hidden = this.#hidden.get(placeholder);
      return hidden !== undefined && kinds.includes(hidden.kind) ? hidden.value : placeholder;
    });
  }
}
