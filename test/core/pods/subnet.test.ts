import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeAddresses, freeSubnets, labSubnet, overlaps, parseRange } from '../../../src/core/pods/subnet.ts';

const first = (lab: string, taken: readonly string[]): string => freeSubnets(lab, taken).next().value?.subnet ?? '';

describe('a lab’s addresses', () => {
  it('are the same for the same name, and mostly others for another', () => {
    expect(first('bookinfo', [])).toBe(first('bookinfo', []));
    expect(first('bookinfo', [])).not.toBe(first('other', []));
  });

  it('never overlap what is taken', () => {
    const range = fc.tuple(fc.nat(0xffffffff), fc.integer({ min: 8, max: 32 })).map(([ip, bits]) => `${[24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.')}/${bits}`);
    fc.assert(fc.property(fc.array(range, { maxLength: 20 }), fc.string(), (taken, lab) => {
      const subnet = first(lab, taken);
      if (subnet === '') return;
      for (const other of taken) expect(overlaps(parseRange(subnet) ?? { first: 0, bits: 0 }, parseRange(other) ?? { first: 0, bits: 0 })).toBe(false);
    }), { numRuns: 200 });
  });

  it('skip whole pools that a VPN’s route covers, and ignore the default route and IPv6', () => {
    expect(first('x', ['10.0.0.0/8', '0.0.0.0/0', 'fe80::1/64'])).toMatch(/^172\.16\./);
  });

  it('are halved: containers below, virtual IPs above', () => {
    expect(labSubnet('10.224.16.0/20')).toEqual({ subnet: '10.224.16.0/20', containers: '10.224.16.0/21', virtualIps: '10.224.24.0/21', gateway: '10.224.16.1', controlPlane: '10.224.16.2' });
    expect(labSubnet('10.224.16.0/24')).toBeUndefined();
  });

  it('go on after the highest in use and come round', () => {
    const subnet = labSubnet('10.0.0.0/20');
    if (subnet === undefined) throw new Error('no subnet');
    const take = (inUse: readonly string[]): unknown => freeAddresses(subnet, inUse).next().value;
    expect(take([])).toBe('10.0.0.3');
    expect(take(['10.0.0.3', '10.0.0.9'])).toBe('10.0.0.10');
    expect(take(['10.0.7.255', '10.0.0.3'])).toBe('10.0.0.4');
    expect(take(['10.0.0.1', '10.9.9.9'])).toBe('10.0.0.3');
  });
});
