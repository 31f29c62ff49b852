/**
 * @peculiar/x509 loads a library that wants two functions of the reflect-metadata polyfill, only to learn that its
 * classes carry no metadata. Import this before it. Where the polyfill itself is loaded, it stays.
 */
const reflection = Reflect as unknown as { getMetadata?: () => undefined; getOwnMetadata?: () => undefined };
reflection.getMetadata ??= () => undefined;
reflection.getOwnMetadata ??= () => undefined;
