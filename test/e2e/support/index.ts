/** What tests on a real engine share. */
export { allSamples, hasPeer, peerDir, sample } from './peer.ts';
export { get, noEngine, startLab, until, type Answer, type TestLab } from './lab.ts';
export { steady, type Steady } from './steady.ts';
export { bookinfo, rule, shown, signIn, tally, type Shown } from './bookinfo.ts';
