import { describe } from 'vitest';
import { networking, table } from './table.ts';

const kind = { apiVersion: networking, kind: 'ServiceEntry' };
const http = { number: 80, name: 'http', protocol: 'HTTP' };
const entry = (fields: object): object => ({ hosts: ['api.example.com'], ports: [http], resolution: 'DNS', ...fields });
const hosts = (...names: readonly string[]): object => entry({ hosts: names, resolution: 'NONE' });
const fixed = (...endpoints: readonly object[]): object => entry({ resolution: 'STATIC', endpoints });

describe('hosts, addresses and ports', () => {
  table(kind, [
    ['no hosts', entry({ hosts: [] }), 'bad'],
    ['the star', hosts('*'), 'bad'],
    ['a wildcard label', hosts('*.example.com'), 'ok'],
    ['a wildcard inside of a label', hosts('*-api.example.com'), 'warn'],
    ['a short name', hosts('api'), 'ok'],
    ['an address', hosts('10.0.0.1'), 'bad'],
    ['a port in the host', hosts('api.example.com:443'), 'bad'],
    ['a wildcard by DNS', entry({ hosts: ['*.example.com'] }), 'bad'],
    ['a wildcard by DNS with an endpoint', entry({ hosts: ['*.example.com'], endpoints: [{ address: 'api.example.com' }] }), 'ok'],
    ['a wildcard by DNS in turn', entry({ hosts: ['*.example.com'], resolution: 'DNS_ROUND_ROBIN' }), 'bad'],
    ['an address of its own', entry({ addresses: ['10.0.0.1'] }), 'ok'],
    ['an IPv6 address', entry({ addresses: ['2001:db8::1'] }), 'ok'],
    ['a name as address', entry({ addresses: ['a.b'] }), 'bad'],
    ['a subnet by DNS', entry({ addresses: ['10.0.0.0/8'] }), 'bad'],
    ['a subnet', entry({ addresses: ['10.0.0.0/8'], resolution: 'NONE' }), 'ok'],
    ['a subnet of 40 bits', entry({ addresses: ['10.0.0.0/40'], resolution: 'NONE' }), 'bad'],
    ['port 0', entry({ ports: [{ ...http, number: 0 }] }), 'bad'],
    ['port 80000', entry({ ports: [{ ...http, number: 80000 }] }), 'bad'],
    ['a port without a name', entry({ ports: [{ number: 80, protocol: 'HTTP' }] }), 'bad'],
    ['a port’s name with an underscore', entry({ ports: [{ ...http, name: 'http_1' }] }), 'bad'],
    ['a port without a protocol', entry({ ports: [{ number: 80, name: 'http' }] }), 'ok'],
    ['a protocol that nobody knows', entry({ ports: [{ ...http, protocol: 'FTP' }] }), 'bad'],
    ['a number twice', entry({ ports: [http, { ...http, name: 'b' }] }), 'bad'],
    ['a target port of 65536', entry({ ports: [{ ...http, targetPort: 65536 }] }), 'bad'],
    ['no ports', entry({ ports: [] }), 'ok'],
    ['plain TCP without addresses', entry({ ports: [{ ...http, protocol: 'TCP' }], resolution: 'NONE' }), 'warn'],
    ['plain TCP with addresses', entry({ ports: [{ ...http, protocol: 'TCP' }], addresses: ['10.0.0.1'], resolution: 'NONE' }), 'ok'],
    ['TLS without addresses', entry({ ports: [{ ...http, protocol: 'TLS' }], resolution: 'NONE' }), 'ok'],
    ['two hosts of one address, HTTP', entry({ hosts: ['a.com', 'b.com'], addresses: ['10.0.0.1'] }), 'ok'],
    ['two hosts of one address, TCP', entry({ hosts: ['a.com', 'b.com'], addresses: ['10.0.0.1'], ports: [{ ...http, protocol: 'TCP' }] }), 'warn'],
    ['export to nobody', entry({ exportTo: ['~'] }), 'ok'],
    ['export to all and one', entry({ exportTo: ['*', 'a'] }), 'bad'],
    ['a resolution that nobody knows', entry({ resolution: 'HOSTS' }), 'bad'],
  ]);
});

describe('endpoints and selectors', () => {
  table(kind, [
    ['an address', fixed({ address: '10.0.0.1' }), 'ok'],
    ['a name', fixed({ address: 'a.b' }), 'bad'],
    ['no address but a network', fixed({ network: 'one' }), 'ok'],
    ['neither address nor network', fixed({ locality: 'a/b' }), 'bad'],
    ['a port of the service', fixed({ address: '10.0.0.1', ports: { http: 8080 } }), 'ok'],
    ['a port that the service has not', fixed({ address: '10.0.0.1', ports: { grpc: 8080 } }), 'bad'],
    ['port 0', fixed({ address: '10.0.0.1', ports: { http: 0 } }), 'bad'],
    ['labels that are none', fixed({ address: '10.0.0.1', labels: { '-a': 'b' } }), 'bad'],
    ['a name by DNS', entry({ endpoints: [{ address: 'a.b' }] }), 'ok'],
    ['a name with a port by DNS', entry({ endpoints: [{ address: 'a.b:80' }] }), 'bad'],
    ['a wildcard by DNS', entry({ endpoints: [{ address: '*.a.b' }] }), 'bad'],
    ['two names by DNS in turn', entry({ resolution: 'DNS_ROUND_ROBIN', endpoints: [{ address: 'a.b' }, { address: 'c.d' }] }), 'bad'],
    ['one name by DNS in turn', entry({ resolution: 'DNS_ROUND_ROBIN', endpoints: [{ address: 'a.b' }] }), 'ok'],
    ['a socket', fixed({ address: 'unix:///run/a.sock' }), 'ok'],
    ['an abstract socket', fixed({ address: 'unix://@a' }), 'ok'],
    ['a relative socket', fixed({ address: 'unix://run/a.sock' }), 'bad'],
    ['a socket by DNS', entry({ endpoints: [{ address: 'unix:///run/a.sock' }] }), 'bad'],
    ['a socket for two ports', entry({ resolution: 'STATIC', ports: [http, { number: 81, name: 'b', protocol: 'HTTP' }], endpoints: [{ address: 'unix:///run/a.sock' }] }), 'bad'],
    ['a selector', entry({ resolution: 'STATIC', workloadSelector: { labels: { app: 'vm' } } }), 'ok'],
    ['a selector without labels', entry({ resolution: 'STATIC', workloadSelector: {} }), 'warn'],
    ['a selector with a wildcard', entry({ resolution: 'STATIC', workloadSelector: { labels: { app: '*' } } }), 'bad'],
    ['endpoints without a resolution', entry({ resolution: 'NONE', endpoints: [{ address: '10.0.0.1' }] }), 'bad'],
  ]);
});

describe('a WorkloadEntry', () => {
  table({ apiVersion: networking, kind: 'WorkloadEntry' }, [
    ['an address', { address: '10.0.0.1' }, 'ok'],
    ['an IPv6 address', { address: '2001:db8::1' }, 'ok'],
    ['nothing', {}, 'bad'],
    ['a network', { network: 'one' }, 'ok'],
    ['a wildcard', { address: '*.a.b' }, 'bad'],
    ['a socket with ports', { address: 'unix:///run/a', ports: { http: 80 } }, 'bad'],
    ['a folder', { address: 'unix:///run/' }, 'bad'],
    ['an empty socket', { address: 'unix://' }, 'bad'],
    ['port 0', { address: '10.0.0.1', ports: { http: 0 } }, 'bad'],
    ['port 65536', { address: '10.0.0.1', ports: { http: 65536 } }, 'bad'],
    ['a port’s name that is none', { address: '10.0.0.1', ports: { 'a_b': 80 } }, 'bad'],
    ['a label that is none', { address: '10.0.0.1', labels: { app: 'a b' } }, 'bad'],
    ['a weight below 0', { address: '10.0.0.1', weight: -1 }, 'bad'],
  ]);
});

describe('a WorkloadGroup', () => {
  const probe = (fields: object): object => ({ template: {}, probe: fields });
  table({ apiVersion: networking, kind: 'WorkloadGroup' }, [
    ['no template', {}, 'bad'],
    ['a template', { template: { ports: { http: 80 }, labels: { app: 'vm' } } }, 'ok'],
    ['labels that are none', { metadata: { labels: { '.': 'a' } }, template: {} }, 'bad'],
    ['a template’s labels that are none', { template: { labels: { app: '/' } } }, 'bad'],
    ['HTTP', probe({ httpGet: { port: 80, path: '/ready', scheme: 'HTTPS' } }), 'ok'],
    ['HTTP without a port', probe({ httpGet: { path: '/' } }), 'bad'],
    ['HTTP by FTP', probe({ httpGet: { port: 80, scheme: 'FTP' } }), 'bad'],
    ['HTTP with a header that is none', probe({ httpGet: { port: 80, httpHeaders: [{ name: 'a:b', value: 'c' }] } }), 'bad'],
    ['TCP', probe({ tcpSocket: { port: 80 } }), 'ok'],
    ['TCP without a port', probe({ tcpSocket: { host: 'a' } }), 'bad'],
    ['TCP with port 0', probe({ tcpSocket: { port: 0 } }), 'bad'],
    ['a command', probe({ exec: { command: ['true'] } }), 'ok'],
    ['no command', probe({ exec: { command: [] } }), 'bad'],
    ['gRPC', probe({ grpc: { port: 80 } }), 'ok'],
    ['no way to ask', probe({ periodSeconds: 5 }), 'bad'],
    ['two ways to ask', probe({ tcpSocket: { port: 80 }, exec: { command: ['true'] } }), 'bad'],
    ['a period below 0', probe({ tcpSocket: { port: 80 }, periodSeconds: -1 }), 'bad'],
    ['failures below 0', probe({ tcpSocket: { port: 80 }, failureThreshold: -1 }), 'bad'],
  ]);
});
