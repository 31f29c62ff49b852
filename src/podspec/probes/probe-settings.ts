import type { Container } from '../../kubernetes/objects.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

type ProbeSpec = NonNullable<Container['livenessProbe']>;

/** A probe of the spec with its defaults and in our units. */
export interface ProbeSettings {
  readonly kind: ProbeKind;
  /** What to try: exactly one of exec, httpGet, tcpSocket and grpc. */
  readonly handler: Pick<ProbeSpec, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'>;
  /** From the container's start to the first try. */
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** Tries in a row of one result before it counts. */
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** In place of the pod's, where this probe ends the container. */
  readonly terminationGracePeriodSeconds?: number;
}

/** The probe of a kind, or undefined where the container has none. Defaults are the API server's. */
export function probeSettings(
  container: Pick<Container, 'startupProbe' | 'livenessProbe' | 'readinessProbe'>,
  kind: ProbeKind,
): ProbeSettings | undefined {
  const spec = container[`${kind}Probe`];
  if (!spec) return undefined;
  const { exec, httpGet, tcpSocket, grpc, terminationGracePeriodSeconds } = spec;
  return {
    kind,
    handler: {
      ...(exec && { exec }),
      ...(httpGet && { httpGet }),
      ...(tcpSocket && { tcpSocket }),
      ...(grpc && { grpc }),
    },
    initialDelayMs: (spec.initialDelaySeconds ?? 0) * 1000,
    periodMs: (spec.periodSeconds || 10) * 1000,
    timeoutMs: (spec.timeoutSeconds || 1) * 1000,
    successThreshold: spec.successThreshold || 1,
    failureThreshold: spec.failureThreshold || 3,
    ...(terminationGracePeriodSeconds !== undefined && { terminationGracePeriodSeconds }),
  };
}
