/** Where containers reach the metadata about themselves. */
export interface MetadataUris {
  /** For a container of a sandbox with this address; undefined where none of our addresses is reachable from it. */
  uriFor(sandboxIp: string, token: string): Promise<string | undefined>;
}
