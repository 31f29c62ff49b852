import { CodedError } from '../support/errors.ts';
import type { Handler } from './call.ts';
import { HttpError } from './errors.ts';

/** Answers as a kubelet on which this is turned off (405), and says why it is off here. */
export function turnedOff(text: string): Handler {
  return () => Promise.reject(new HttpError(405, text));
}

export function notImplemented(text: string): Handler {
  return () => Promise.reject(new CodedError('NotImplemented', text));
}
