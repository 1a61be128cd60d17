/** The traffic of a lab: records and metrics in, live graph and request list out. Pure but for the clock that is passed in. */
export { createTraffic, type Traffic, type TrafficOptions } from './traffic.ts';
