import { describe, expect, it } from 'vitest';
import { isDocumentation, isIngress, isOwn } from '../../electron/origin.ts';

describe('the one origin', () => {
  it.each(['app://weft/', 'app://weft/assets/main.js', 'app://weft/?fake#x'])('is ours: %s', (url) => expect(isOwn(url)).toBe(true));
  it.each(['app://evil/', 'app://weft.evil/', 'app://user@weft/', 'https://weft/', 'file:///etc/passwd', 'javascript:alert(1)', 'data:text/html,x', 'about:blank', '', 'weft'])(
    'is not ours: %s', (url) => expect(isOwn(url)).toBe(false));
});

describe('links to a lab', () => {
  it.each(['http://127.0.0.1:8080/productpage', 'https://127.0.0.1:8443/'])('opens %s', (url) => expect(isIngress(url)).toBe(true));
  it.each(['http://127.0.0.1/', 'http://127.0.0.1.evil.example:8080/', 'http://192.168.0.1:8080/', 'http://localhost:8080/', 'http://a:b@127.0.0.1:8080/', 'ftp://127.0.0.1:8080/', 'file://127.0.0.1:8080/x', ''])(
    'leaves %s closed', (url) => expect(isIngress(url)).toBe(false));
});

describe('links that leave the app', () => {
  it.each(['https://istio.io/latest/docs/', 'https://www.envoyproxy.io/docs#x'])('opens %s', (url) => expect(isDocumentation(url)).toBe(true));
  it.each(['http://istio.io/', 'https://istio.io.evil.example/', 'https://evil.example/istio.io', 'https://istio.io:8443/', 'https://a:b@istio.io/', 'file:///x', 'smb://istio.io/', 'javascript:1', 'ms-msdt:x'])(
    'leaves %s closed', (url) => expect(isDocumentation(url)).toBe(false));
});
