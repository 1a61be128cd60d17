import { z } from 'zod';
import { Accepted, Flag, Int32, Text, notRun } from '../../util/manifest-fields.ts';

const unavailable = 'the lab offers emptyDir, configMap, secret, downwardAPI and projected volumes';
const items = z.array(z.object({ key: Text, path: Text, mode: Int32.exactOptional() })).default([]);
const downwardItems = z
  .array(
    z.object({
      path: Text,
      mode: Int32.exactOptional(),
      fieldRef: z.object({ apiVersion: Accepted, fieldPath: Text }).exactOptional(),
      resourceFieldRef: z.object({ containerName: Text, resource: Text, divisor: z.union([z.string(), z.number()]).exactOptional() }).exactOptional(),
    }),
  )
  .default([]);

const ProjectedSource = z.object({
  configMap: z.object({ name: Text, items, optional: Flag }).exactOptional(),
  secret: z.object({ name: Text, items, optional: Flag }).exactOptional(),
  downwardAPI: z.object({ items: downwardItems }).exactOptional(),
  serviceAccountToken: z.object({ path: Text, audience: Text, expirationSeconds: Int32.exactOptional() }).exactOptional(),
  clusterTrustBundle: notRun(unavailable),
  podCertificate: notRun(unavailable),
});

/** A pod's volume. Sources that the lab offers are typed. */
export const Volume = z.object({
  name: Text,
  emptyDir: z.object({ medium: Text, sizeLimit: z.union([z.string(), z.number()]).exactOptional() }).exactOptional(),
  configMap: z.object({ name: Text, items, defaultMode: Int32.exactOptional(), optional: Flag }).exactOptional(),
  secret: z.object({ secretName: Text, items, defaultMode: Int32.exactOptional(), optional: Flag }).exactOptional(),
  downwardAPI: z.object({ items: downwardItems, defaultMode: Int32.exactOptional() }).exactOptional(),
  projected: z.object({ sources: z.array(ProjectedSource).default([]), defaultMode: Int32.exactOptional() }).exactOptional(),
  hostPath: z.object({ path: Text, type: Text }).exactOptional(),
  persistentVolumeClaim: z.object({ claimName: Text, readOnly: Flag }).meta({ notRun: 'the lab has no persistent volumes, so it starts empty' }).exactOptional(),
  ephemeral: notRun(unavailable),
  csi: notRun(unavailable),
  nfs: notRun(unavailable),
  image: notRun(unavailable),
  iscsi: notRun(unavailable),
  fc: notRun(unavailable),
  flexVolume: notRun(unavailable),
  gitRepo: notRun(unavailable),
  glusterfs: notRun(unavailable),
  cephfs: notRun(unavailable),
  rbd: notRun(unavailable),
  cinder: notRun(unavailable),
  flocker: notRun(unavailable),
  azureDisk: notRun(unavailable),
  azureFile: notRun(unavailable),
  awsElasticBlockStore: notRun(unavailable),
  gcePersistentDisk: notRun(unavailable),
  vsphereVolume: notRun(unavailable),
  portworxVolume: notRun(unavailable),
  photonPersistentDisk: notRun(unavailable),
  quobyte: notRun(unavailable),
  scaleIO: notRun(unavailable),
  storageos: notRun(unavailable),
});
export type Volume = z.output<typeof Volume>;
