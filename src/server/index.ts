/** The LabApi over HTTP and WebSocket on 127.0.0.1, and the window's UI beside it. */
export { serveLab, type LabServer, type ServeOptions } from './serve-lab.ts';
