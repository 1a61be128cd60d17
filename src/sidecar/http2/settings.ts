import { ConnectionError, defaultWindow, errorCode, maxWindow, setting } from './protocol.ts';

/** What the peer has told of itself. */
export class PeerSettings {
  /** Streams that we may have open. */
  maxConcurrentStreams = 100;
  /** The window of new streams. */
  initialWindow = defaultWindow;
}

/** Most settings of one frame; six exist. */
const maxSettings = 32;

/** Takes a SETTINGS payload over. Throws {@link ConnectionError}. Source: RFC 9113 section 6.5. */
export function readSettings(settings: PeerSettings, fromServer: boolean, bytes: Buffer, start: number, end: number): void {
  if ((end - start) % 6 !== 0) throw new ConnectionError(errorCode.frameSize, 'http2.invalid_settings_size');
  if (end - start > maxSettings * 6) throw new ConnectionError(errorCode.enhanceYourCalm, 'http2.too_many_settings');
  for (let at = start; at < end; at += 6) readSetting(settings, fromServer, bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
}

function readSetting(settings: PeerSettings, fromServer: boolean, id: number, value: number): void {
  if (id === setting.enablePush && value > (fromServer ? 0 : 1)) throw new ConnectionError(errorCode.protocol, 'http2.invalid_enable_push');
  if (id === setting.maxFrameSize && (value < 16_384 || value > 16_777_215)) throw new ConnectionError(errorCode.protocol, 'http2.invalid_max_frame_size');
  if (id === setting.initialWindowSize) {
    if (value > maxWindow) throw new ConnectionError(errorCode.flowControl, 'http2.invalid_initial_window_size');
    settings.initialWindow = value;
  }
  if (id === setting.maxConcurrentStreams) settings.maxConcurrentStreams = value;
}
