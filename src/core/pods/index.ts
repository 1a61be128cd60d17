/** A lab's pods on the container engine: made from manifests, looked at, reached into, mended and removed. */
export type { ChooseOptions, ImageChoice, ImageMode } from './choose-images.ts';
export { chooseImages } from './choose-images.ts';
export { createLab, labRecord, openControl, trustDomain, type ControlEndpoint, type LabRecord, type NewLab } from './control-plane.ts';
export { imagesOf } from './desired.ts';
export { podExec, podLogs, type PodStream, type PodTarget } from './access.ts';
export { findPod, type ExistingPod } from './inventory.ts';
export { keepPods } from './keep.ts';
export { label } from './labels.ts';
export { mendPods } from './mend.ts';
export { ensureNetwork, findNetwork, type LabNetwork } from './network.ts';
export { reconcilePods, type Reconciled, type ReconcileOptions } from './reconcile.ts';
export { removeAll, removeLab, removePod } from './remove.ts';
export { ingress, labs, listPods } from './status.ts';
export { watchLab } from './watch.ts';
