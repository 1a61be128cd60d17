import { describe, expect, it } from 'vitest';
import { LabFailure } from '../../../src/contract/index.ts';
import { engineFailure } from '../../../src/core/docker/index.ts';

const http = (statusCode: number, message: string): Error => Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), { statusCode });
const socket = (code: string): Error => Object.assign(new Error(`connect ${code} /var/run/docker.sock`), { code });

describe('an engine’s failures', () => {
  it.each([
    ['engine-gone', socket('ECONNREFUSED'), 'list containers'],
    ['engine-gone', socket('ENOENT'), 'pull image x'],
    ['engine-gone', new Error('socket hang up'), 'start a container'],
    ['engine-gone', socket('EACCES'), 'list networks'],
    ['engine-disk-full', http(500, 'write /var/lib/docker/tmp/x: no space left on device'), 'import the base image'],
    ['port-taken', http(500, 'driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:8080 failed: port is already allocated'), 'start a container'],
    ['port-taken', http(500, 'Ports are not available: exposing port TCP 127.0.0.1:8080 -> 0.0.0.0:0: listen tcp 127.0.0.1:8080: bind: address already in use'), 'start a container'],
    ['engine-too-old', http(400, 'client version 1.50 is too new. Maximum supported API version is 1.39'), 'ask what it is'],
    ['image-unavailable', http(404, 'pull access denied for nope, repository does not exist or may require docker login'), 'pull image nope'],
    ['image-unavailable', http(500, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'), 'pull image node'],
    ['image-unavailable', new Error('manifest unknown'), 'pull image x:y'],
    ['image-unavailable', http(404, 'No such image: x:latest'), 'create a container of image x'],
    ['cancelled', Object.assign(new Error('The operation was aborted'), { name: 'AbortError' }), 'pull image x'],
    ['internal', http(409, 'Conflict. The container name "/x" is already in use'), 'start a container'],
  ] as const)('%s', (code, error, task) => {
    const failure = engineFailure(error, task);
    expect(failure.code).toBe(code);
    expect(failure.cause).toBe(error);
    expect(failure.message).not.toContain('HTTP code');
    if (code !== 'internal') expect(failure.help).toBeTruthy();
  });

  it('names the port that is taken', () => {
    expect(engineFailure(http(500, 'Bind for 127.0.0.1:8080 failed: port is already allocated'), 'start').message).toContain('Port 8080');
  });
  it('passes lab failures on as they are', () => {
    const failure = new LabFailure('pod-failed', 'x');
    expect(engineFailure(failure, 'y')).toBe(failure);
  });
});
