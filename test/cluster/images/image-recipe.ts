/** How an image is made from the distribution's packages, where no public registry can be reached. */
export interface ImageRecipe {
  /** The full name, as a public registry has it. */
  readonly name: string;
  /** Grows with each change of the recipe, so that an image kept from before is not taken for it. */
  readonly revision: number;
  /** Fills the folder with the image's files. */
  readonly fill: (root: string, signal?: AbortSignal) => Promise<void>;
  /** The image's configuration, in the words of a Containerfile. */
  readonly instructions: readonly string[];
}
