import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { parseDurationMs } from './support/duration.ts';
import { CodedError } from './support/errors.ts';

/** An address to listen on; an empty host means all interfaces, port 0 any free port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/*
 * Each function reads one kind of value as it was typed, and throws `InvalidInput` that quotes it and says what is allowed.
 */

function refuse(text: string, why: string): never {
  throw new CodedError('InvalidInput', `"${text}" ${why}`);
}

/** A switch as Go's flags take it: alone, or =true, =false. */
export function flagIsTrue(value: string | boolean | undefined): boolean {
  if (value === undefined || value === 'false' || value === '0' || value === 'f') return false;
  if (value === true || value === 'true' || value === '1' || value === 't') return true;
  return refuse(String(value), 'is neither true nor false');
}

export function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    refuse(text, `is not a whole number from ${least} to ${most}`);
  }
  return value;
}

export function oneOf<T extends string>(text: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === text);
  return found ?? refuse(text, `is not known; use ${allowed.join(', ').replace(/, ([^,]*)$/, ' or $1')}`);
}

/** Milliseconds between looks at everything; 0 for none, as in the Go virtual kubelet. Below a second it would be all we do. */
export function resyncPeriodMs(text: string): number {
  const periodMs = parseDurationMs(text);
  if (periodMs > 0 && periodMs < 1000) refuse(text, 'is too short; use 1s or more, or 0 for never');
  return periodMs;
}

/** How long a stream may take; with less than a second none would get through. */
export function streamTimeoutMs(text: string): number {
  const timeoutMs = parseDurationMs(text);
  return timeoutMs < 1000 ? refuse(text, 'is too short; use 1s or more') : timeoutMs;
}

/** `:10255`, `127.0.0.1:0`, `[::1]:9090`; undefined for an empty text. */
export function listenAddress(text: string): ListenAddress | undefined {
  if (text === '') return undefined;
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text);
  if (!match) return refuse(text, 'is not an address; write :10255 or 127.0.0.1:10255');
  return { host: match[1] ?? match[2] ?? '', port: wholeNumber(match[3] ?? '', 0, 65_535) };
}

export function ipAddress(text: string): string {
  return isIP(text) === 0 ? refuse(text, 'is not an IP address') : text;
}

/** What the API server never proxies to (`IsProxyableIP`): whatever is not global unicast in Go's words. */
const unreachable = new BlockList();
unreachable.addAddress('0.0.0.0');
unreachable.addAddress('255.255.255.255');
unreachable.addSubnet('127.0.0.0', 8);
unreachable.addSubnet('169.254.0.0', 16);
unreachable.addSubnet('224.0.0.0', 4);
unreachable.addAddress('::', 'ipv6');
unreachable.addAddress('::1', 'ipv6');
unreachable.addSubnet('fe80::', 10, 'ipv6');
unreachable.addSubnet('ff00::', 8, 'ipv6');

/** An IP address at which the API server may call us. */
export function reachableAddress(text: string): string {
  const isReachable =
    (isIPv4(text) && !unreachable.check(text)) ||
    (isIPv6(text) && !text.includes('%') && !unreachable.check(text, 'ipv6'));
  if (isReachable || isIP(text) === 0) return ipAddress(text);
  return refuse(text, 'is an address to which the API server never connects; give one that others reach, not loopback');
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = new RegExp(`^${label}(\\.${label})*$`);
const subdomainRule = 'lower-case letters, digits, "-" and ".", letters and digits at both ends of each part';
/** As in names and values of labels and taints. */
const word = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const wordRule = 'at most 63 letters, digits, "-", "_" and ".", with letters or digits at both ends';

export function dnsDomain(text: string): string {
  if (text.length > 253 || !subdomain.test(text)) {
    refuse(text, `is no DNS domain; use at most 253 ${subdomainRule}`);
  }
  return text;
}

/** The name of a node is a DNS subdomain, and the value of its label kubernetes.io/hostname, which is shorter. */
export function nodeName(text: string): string {
  if (text.length > 63 || !subdomain.test(text)) {
    refuse(text, `cannot name a node; use at most 63 ${subdomainRule}`);
  }
  return text;
}

/** `[domain/]name` */
export function taintKey(text: string): string {
  const parts = text.split('/');
  const [name = '', domain] = parts.reverse();
  const isDomain = domain === undefined || (domain.length <= 253 && subdomain.test(domain));
  if (parts.length > 2 || !isDomain || name === '' || name.length > 63 || !word.test(name)) {
    refuse(text, `is no key of a taint; use [DOMAIN/]NAME, the name ${wordRule}`);
  }
  return text;
}

export function taintValue(text: string): string {
  if (text.length > 63 || !word.test(text)) refuse(text, `is no value of a taint; use ${wordRule}`);
  return text;
}

/** The absolute path of a folder. */
export function folder(text: string): string {
  return text === '' ? refuse(text, 'is not a folder') : resolve(text);
}
