import type { Duplex, Readable, Writable } from 'node:stream';
import type { PodRef } from '../kubernetes/objects.ts';

/** Of a terminal, in characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The client's ends of a process's streams, given to the provider, which pipes its own into them. What is undefined
 * was not asked for. Who gives them also ends them: a provider only reads from `stdin` and writes to the others.
 *
 * Backpressure goes through: the provider takes from `stdin` no faster than the process does, and after a `write`
 * that gave false it waits for `drain` before it takes more from the process (`stream.pipeline` with `{ end: false }`
 * does both). Nothing is held in memory beyond the streams' own marks.
 */
export interface ProcessStreams {
  /** Ends when the client has no more input: the process then sees the end of its file. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  /** Undefined with a terminal, which has one output only. */
  readonly stderr: Writable | undefined;
  /**
   * The sizes of the client's terminal as they change, the first one soon after the start. A slow reader gets only the
   * newest. Ends with the session; empty without a terminal.
   */
  readonly resizes: AsyncIterable<TerminalSize>;
}

export interface ExecRequest {
  readonly pod: PodRef;
  readonly container: string;
  /** At least one word; no shell reads it. */
  readonly command: readonly string[];
  readonly tty: boolean;
}

export interface ExecResult {
  /** 0 to 255; 128 + n where signal n ended it. */
  readonly exitCode: number;
}

export interface AttachRequest {
  readonly pod: PodRef;
  readonly container: string;
  /** Whether the container was given a terminal. */
  readonly tty: boolean;
}

export interface PortForwardRequest {
  readonly pod: PodRef;
  /** 1 to 65,535. */
  readonly port: number;
}

/** Bytes both ways to a port of a pod. Half-open: its `end` tells the pod, and what the pod still says comes through. */
export type PodConnection = Duplex;
