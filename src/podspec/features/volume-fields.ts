import type { Volume } from '../../kubernetes/objects.ts';
import { isApiAccessVolume } from './defaults.ts';
import { asks, asksBy, choice, fields, free, items } from './rule.ts';

type Source<Key extends keyof Volume> = NonNullable<Volume[Key]>;
type Projection = NonNullable<Source<'projected'>['sources']>[number];

const downwardApiItems = items(
  fields<NonNullable<Source<'downwardAPI'>['items']>[number]>({
    path: free,
    mode: free,
    fieldRef: free,
    resourceFieldRef: free,
  }),
);

const keysToPaths = items(
  fields<NonNullable<Source<'secret'>['items']>[number]>({ key: free, path: free, mode: free }),
);

const projection = fields<Projection>({
  serviceAccountToken: asks(
    'service-account-token',
    fields<NonNullable<Projection['serviceAccountToken']>>({ audience: free, expirationSeconds: free, path: free }),
  ),
  configMap: asks(
    'config-map-volumes',
    fields<NonNullable<Projection['configMap']>>({ name: free, items: keysToPaths, optional: free }),
  ),
  secret: asks(
    'secret-volumes',
    fields<NonNullable<Projection['secret']>>({ name: free, items: keysToPaths, optional: free }),
  ),
  downwardAPI: asks('downward-api', fields<NonNullable<Projection['downwardAPI']>>({ items: downwardApiItems })),
  clusterTrustBundle: asks('projected-certificates'),
  podCertificate: asks('projected-certificates'),
});

const volumeFields = fields<Volume>({
  name: free,
  emptyDir: asks(
    'empty-dir',
    fields<Source<'emptyDir'>>({
      medium: asksBy((medium: string) => (medium.startsWith('HugePages') ? 'devices' : undefined)),
      // In memory, the size is the tmpfs's own limit; on disk somebody has to watch it.
      sizeLimit: asksBy((_: string, { parent }: { parent: Source<'emptyDir'> }) =>
        parent.medium ? undefined : 'ephemeral-storage-limits',
      ),
    }),
  ),
  configMap: asks(
    'config-map-volumes',
    fields<Source<'configMap'>>({ name: free, items: keysToPaths, optional: free, defaultMode: free }),
  ),
  secret: asks(
    'secret-volumes',
    fields<Source<'secret'>>({ secretName: free, items: keysToPaths, optional: free, defaultMode: free }),
  ),
  downwardAPI: asks('downward-api', fields<Source<'downwardAPI'>>({ items: downwardApiItems, defaultMode: free })),
  projected: fields<Source<'projected'>>({ sources: items(projection), defaultMode: free }),
  hostPath: asks('host-path', fields<Source<'hostPath'>>({ path: free, type: free })),
  image: asks('image-volumes', fields<Source<'image'>>({ reference: free, pullPolicy: free })),
  persistentVolumeClaim: asks(
    'persistent-volumes',
    fields<Source<'persistentVolumeClaim'>>({ claimName: free, readOnly: free }),
  ),
  ephemeral: asks('persistent-volumes'),
  // Everything that a driver on the node would mount. Their own fields are the driver's business.
  awsElasticBlockStore: asks('network-volumes'),
  azureDisk: asks('network-volumes'),
  azureFile: asks('network-volumes'),
  cephfs: asks('network-volumes'),
  cinder: asks('network-volumes'),
  csi: asks('network-volumes'),
  fc: asks('network-volumes'),
  flexVolume: asks('network-volumes'),
  flocker: asks('network-volumes'),
  gcePersistentDisk: asks('network-volumes'),
  gitRepo: asks('network-volumes'),
  glusterfs: asks('network-volumes'),
  iscsi: asks('network-volumes'),
  nfs: asks('network-volumes'),
  photonPersistentDisk: asks('network-volumes'),
  portworxVolume: asks('network-volumes'),
  quobyte: asks('network-volumes'),
  rbd: asks('network-volumes'),
  scaleIO: asks('network-volumes'),
  storageos: asks('network-volumes'),
  vsphereVolume: asks('network-volumes'),
});

export const volumes = items(choice((volume: Volume) => (isApiAccessVolume(volume) ? free : volumeFields)));
