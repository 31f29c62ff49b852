import { constants, inflateRawSync } from 'node:zlib';
import { messageOf } from '../../../support/errors.ts';
import { headerDictionary } from './dictionary.ts';
import { spdyViolation } from './frames.ts';

/** Inflated; those of kubectl have some hundred bytes. Bounds what a bomb of a few bytes can make. */
const maxBlockBytes = 64 * 1024;
const maxHeaders = 64;
/** Deflate looks back no further. */
const windowBytes = 32 * 1024;
/** The first block begins with zlib's header; with a dictionary, its checksum follows. */
const zlibHeaderBytes = 2;
const dictionaryFlag = 0x20;
const dictionaryIdBytes = 4;

/** The headers of a stream; names in lower case. */
export type SpdyHeaders = ReadonlyMap<string, string>;

/**
 * Reads header blocks, which are one compressed stream over the life of a connection. Every block ends flushed to a
 * whole byte, so each is inflated by itself, with what came before as its dictionary: no state but that text, and no
 * work beyond this block's bound.
 */
export class HeaderReader {
  #history = headerDictionary;
  #begun = false;

  /** Throws `InvalidInput` where the block cannot be read, is too large or is not headers. */
  read(block: Buffer): SpdyHeaders {
    const inflated = this.#inflate(this.#begun ? block : withoutZlibHeader(block));
    this.#begun = true;
    this.#history = Buffer.concat([this.#history, inflated]).subarray(-windowBytes);
    return parseHeaders(inflated);
  }

  #inflate(block: Buffer): Buffer {
    try {
      return inflateRawSync(block, {
        dictionary: this.#history,
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: maxBlockBytes,
      });
    } catch (error) {
      throw spdyViolation(`headers that cannot be inflated (${messageOf(error)})`);
    }
  }
}

function withoutZlibHeader(block: Buffer): Buffer {
  if (
    block.length < zlibHeaderBytes ||
    (block.readUInt16BE(0) & 0x0f00) !== 0x0800 ||
    block.readUInt16BE(0) % 31 !== 0
  ) {
    throw spdyViolation('headers without a zlib header');
  }
  const withDictionary = (block.readUInt8(1) & dictionaryFlag) !== 0;
  return block.subarray(zlibHeaderBytes + (withDictionary ? dictionaryIdBytes : 0));
}

function parseHeaders(block: Buffer): SpdyHeaders {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw spdyViolation('headers cut short');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > block.length - at) throw spdyViolation('headers cut short');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const count = number();
  if (count > maxHeaders) throw spdyViolation(`${count} headers`);
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index++) headers.set(text().toLowerCase(), text());
  return headers;
}

/**
 * Writes header blocks without headers, the only ones that a Kubernetes server sends. They are stored, not compressed,
 * and end with the empty block at which readers hand on what they have.
 */
export class EmptyHeaderWriter {
  #begun = false;

  next(): Buffer {
    const zlibHeader = this.#begun ? [] : [0x78, 0x01];
    this.#begun = true;
    return Buffer.from([...zlibHeader, ...storedBlock([0, 0, 0, 0]), ...storedBlock([])]);
  }
}

/** A deflate block that is not the last one, as it stands. */
function storedBlock(bytes: readonly number[]): number[] {
  const length = bytes.length;
  return [0, length & 0xff, length >>> 8, ~length & 0xff, (~length >>> 8) & 0xff, ...bytes];
}
