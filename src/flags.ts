import { Option } from 'commander';
import { logLevels } from './telemetry/log.ts';

/** The flags of the command, as `--help` shows them, and those that are only accepted. */
export function defineFlags(): Option[] {
  const flag = (flags: string, description: string): Option => new Option(flags, description);
  return [
    flag('--provider <name>', 'what runs the pods: podman, aws or memory (required)'),
    flag('--provider-config <file>', "the provider's own configuration; docs/ has a page for each provider"),
    flag(
      '--kubeconfig <file>',
      '$KUBECONFIG, else ~/.kube/config; where that is missing, the in-cluster service account',
    ),
    flag('--nodename <name>', 'name of the node; $DEFAULT_NODE_NAME, else virtual-kubelet'),
    flag('--os <name>', 'operating system of the node: linux or windows (default: linux)'),
    flag(
      '--node-ip <address>',
      'address at which the API server reaches us; $VKUBELET_POD_IP, else the one that leads to it',
    ),
    flag('--cluster-domain <name>', 'DNS domain of the cluster (default: cluster.local)'),
    flag('--cluster-dns <address>', 'address of the cluster DNS for pods (default: the service kube-system/kube-dns)'),
    flag('--root-dir <folder>', 'where volumes and state of pods are kept (default: /var/lib/virtual-kubelet)'),
    flag('--disable-taint [bool]', 'do not taint the node: any pod may be scheduled on it'),
    flag('--pod-sync-workers <count>', 'pods reconciled at the same time (default: 10)'),
    flag('--full-resync-period <duration>', 'how often every pod is looked at again; 0 for never (default: 1m)'),
    flag('--startup-timeout <duration>', 'how long to wait for the API server at start; 0 for ever (default: 0)'),
    flag(
      '--stream-idle-timeout <duration>',
      'exec, attach and port-forward end after this long without a byte (default: 4h)',
    ),
    flag('--stream-creation-timeout <duration>', 'how long a client may take to open its streams (default: 30s)'),
    flag(
      '--client-ca-file <file>',
      'PEM of who signs the certificates of callers; $APISERVER_CA_CERT_LOCATION, else the cluster’s CA',
    ),
    flag('--tls-cert-file <file>', 'serving certificate; $APISERVER_CERT_LOCATION, else self-signed'),
    flag('--tls-private-key-file <file>', 'its key; $APISERVER_KEY_LOCATION'),
    flag('--rotate-server-certificates [bool]', 'ask the cluster for a serving certificate (CSR), and renew it'),
    flag('--tls-min-version <version>', 'VersionTLS12 or VersionTLS13 (default: VersionTLS12)'),
    flag('--tls-cipher-suites <names>', 'cipher suites by IANA name, separated by commas (default: all that are safe)'),
    flag('--metrics-addr <address>', 'where Prometheus metrics are served, "" for nowhere (default: :10255)'),
    flag('--log-level <level>', `${logLevels.join(', ')} (default: info)`),
    flag('--trace-exporter <name>', 'none is built in yet: any name is refused'),
    flag('--trace-sample-rate <rate>', 'accepted; there is no trace exporter yet').hideHelp(),
    flag('--trace-service-name <name>', 'accepted; there is no trace exporter yet').hideHelp(),
    flag('--trace-tag <key=value>', 'accepted; there is no trace exporter yet').hideHelp(),
    flag('--namespace <name>', 'deprecated, no effect: all namespaces are served').hideHelp(),
    flag('--enable-node-lease [bool]', 'deprecated, no effect: leases are always used').hideHelp(),
    flag('--taint <key>', 'deprecated: set $VKUBELET_TAINT_KEY').hideHelp(),
  ];
}

/** What `--help` says after the flags. */
export const afterHelp = `
Environment:
  KUBELET_PORT            port of the kubelet API (10250; 0 for any)
  VKUBELET_POD_IP         as --node-ip
  VKUBELET_TAINT_KEY, VKUBELET_TAINT_VALUE, VKUBELET_TAINT_EFFECT
                          the node's taint (virtual-kubelet.io/provider=<provider>:NoSchedule)
  APISERVER_CERT_LOCATION, APISERVER_KEY_LOCATION, APISERVER_CA_CERT_LOCATION
                          as --tls-cert-file, --tls-private-key-file, --client-ca-file
  DEFAULT_NODE_NAME, KUBECONFIG

Flags of the Go virtual kubelet that have no meaning here (--klog.*, --namespace, --enable-node-lease, --trace-*)
are accepted and said to have no effect. Durations are written as 30s, 1m30s or 4h.

Exit codes: 0 ended as asked, 1 failed while running, 2 a flag, variable or file is wrong.

Examples:
  virtual-kubelet --provider podman
  virtual-kubelet --provider memory --nodename many --provider-config mock.json
`;
