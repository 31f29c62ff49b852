import type { Container } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';

/** A port given by number or by the name that the container's spec gives it. Throws `InvalidInput` for neither. */
export function containerPort(port: string | number | object, container: Container): number {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  throw new CodedError('InvalidInput', `couldn't find port: ${JSON.stringify(port)} in container ${container.name}`);
}
